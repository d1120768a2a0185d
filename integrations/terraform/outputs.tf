output "zip" {
  value       = "${var.directory}/${var.output}/${data.external.plan.result.target}.zip"
  description = "Path of the zip, which is there once it was built on this machine"
  depends_on  = [terraform_data.build]
}

output "digest" {
  value       = data.external.plan.result.digest
  description = "Digest of everything that decides the bytes of the zip, known before it is built"
}

output "target" {
  value       = data.external.plan.result.target
  description = "Name of the zip without .zip"
}

output "compatible_runtimes" {
  value       = jsondecode(data.external.plan.result.runtimes)
  description = "Runtimes that the layer is for"
}

output "compatible_architectures" {
  value       = jsondecode(data.external.plan.result.architectures)
  description = "Architectures that the layer is for"
}

output "description" {
  value       = data.external.plan.result.description
  description = "Description of the recipe"
}

output "license" {
  value       = data.external.plan.result.license
  description = "License of the recipe"
}
