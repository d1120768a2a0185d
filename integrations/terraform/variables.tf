variable "recipe" {
  type        = string
  description = "A recipe of the own folder or of layerwright's catalogue, or the folder of a project"
}

variable "runtimes" {
  type        = list(string)
  default     = []
  description = "Runtimes, such as python3.13. Default: those of the recipe, if all of them share one zip"
}

variable "architecture" {
  type        = string
  default     = null
  description = "x86_64 or arm64. Default: that of the recipe, if one zip serves all"
}

variable "recipes" {
  type        = string
  default     = null
  description = "Folder of recipes. Default: layerwright's own, `recipes` in `directory`"
}

variable "options" {
  type        = list(string)
  default     = []
  description = "More options of `layerwright plan` and `layerwright build` alike"
}

variable "directory" {
  type        = string
  default     = "."
  description = "Folder where layerwright runs"
}

variable "output" {
  type        = string
  default     = "layerwright.out"
  description = "Folder of the zips, in `directory`"
}

variable "triggers" {
  type        = any
  default     = null
  description = "What else needs the zip when it changes, beside the digest of the plan"
}

variable "command" {
  type        = list(string)
  default     = ["layerwright"]
  description = "How layerwright is started"
}

variable "python" {
  type        = list(string)
  default     = ["python3"]
  description = "How Python is started, of any version that is maintained, for plan.py"
}
