output "arn" {
  value       = aws_lambda_layer_version.layer.arn
  description = "ARN of the version, for `layers` of a function"
}

output "version" {
  value       = aws_lambda_layer_version.layer.version
  description = "Number of the version"
}

output "code_sha256" {
  value       = aws_lambda_layer_version.layer.code_sha256
  description = "Hash of the zip as Lambda has it: `code_sha256` in the manifest beside the zip"
}

output "zip" {
  value       = module.build.zip
  description = "Path of the zip, which is there once it was built on this machine"
}

output "digest" {
  value       = module.build.digest
  description = "Digest of everything that decides the bytes of the zip"
}

output "compatible_runtimes" {
  value       = module.build.compatible_runtimes
  description = "Runtimes that the layer is for"
}

output "compatible_architectures" {
  value       = module.build.compatible_architectures
  description = "Architectures that the layer is for"
}
