terraform {
  required_version = ">= 1.4"
  required_providers {
    external = {
      source  = "hashicorp/external"
      version = ">= 2.3"
    }
  }
}

locals {
  selection = concat(
    [var.recipe],
    flatten([for name in var.runtimes : ["--runtime", name]]),
    var.architecture == null ? [] : ["--arch", var.architecture],
    var.recipes == null ? [] : ["--recipes", var.recipes],
    var.options,
  )
}

# Read while planning: asks for digest, name, runtimes and architectures, and builds nothing.
data "external" "plan" {
  program     = concat(var.python, [abspath("${path.module}/plan.py")])
  working_dir = var.directory
  query = {
    command = jsonencode(concat(var.command, ["plan"], local.selection, ["--quiet", "--json"]))
  }
}

# Done while applying, when the digest is another one. No shell is in between: the last argument is the folder.
resource "terraform_data" "build" {
  triggers_replace = [data.external.plan.result.digest, var.triggers]

  provisioner "local-exec" {
    interpreter = concat(var.command, ["build"], local.selection, ["--output"])
    command     = var.output
    working_dir = var.directory
  }
}
