terraform {
  required_version = ">= 1.4"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

module "build" {
  source       = "../"
  recipe       = var.recipe
  runtimes     = var.runtimes
  architecture = var.architecture
  recipes      = var.recipes
  options      = var.options
  directory    = var.directory
  output       = var.output
  command      = var.command
  python       = var.python
  triggers     = [var.layer_name, var.description, var.s3_bucket] # each of them makes a new version, of the same zip
}

resource "terraform_data" "digest" {
  input = module.build.digest
}

resource "aws_s3_object" "zip" {
  count       = var.s3_bucket == null ? 0 : 1
  bucket      = var.s3_bucket
  key         = "layerwright/${module.build.target}-${substr(module.build.digest, 0, 16)}.zip"
  source      = module.build.zip
  source_hash = module.build.digest
}

resource "aws_lambda_layer_version" "layer" {
  layer_name               = var.layer_name
  description              = coalesce(var.description, module.build.description)
  license_info             = module.build.license
  filename                 = var.s3_bucket == null ? module.build.zip : null
  s3_bucket                = var.s3_bucket
  s3_key                   = one(aws_s3_object.zip[*].key)
  compatible_runtimes      = module.build.compatible_runtimes
  compatible_architectures = module.build.compatible_architectures
  skip_destroy             = var.skip_destroy

  lifecycle {
    # The digest is known when planning, on a machine that never built the zip; the hash of the zip is not.
    replace_triggered_by  = [terraform_data.digest]
    create_before_destroy = true
  }
}
