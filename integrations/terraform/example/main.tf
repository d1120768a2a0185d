# terraform init && terraform apply
module "numpy" {
  source       = "../layer"
  for_each     = toset(["arm64", "x86_64"])
  layer_name   = "numpy-${replace(each.key, "_", "-")}"
  recipe       = "numpy"
  runtimes     = ["python3.13"]
  architecture = each.key
}

output "arns" {
  value = { for architecture, layer in module.numpy : architecture => layer.arn }
}
