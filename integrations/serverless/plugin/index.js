"use strict";

const { spawnSync } = require("node:child_process");
const path = require("node:path");

const OUTPUT = "layerwright.out";
const text = { type: "string" };
const texts = { type: "array", items: text };

/** What `custom.layerwright` may say of a layer. The last five are those of any layer of the framework. */
const LAYER = {
  type: "object",
  properties: {
    recipe: text,
    runtime: text,
    architecture: { enum: ["x86_64", "arm64"] },
    recipes: text,
    options: texts,
    name: text,
    description: text,
    licenseInfo: text,
    retain: { type: "boolean" },
    allowedAccounts: texts,
  },
  required: ["recipe"],
  additionalProperties: false,
};

/** Builds the layers of `custom.layerwright` before the service is packaged, and adds them to those of the service. */
class Layerwright {
  constructor(serverless) {
    this.serverless = serverless;
    serverless.configSchemaHandler.defineCustomProperties({
      type: "object",
      properties: {
        layerwright: {
          type: "object",
          properties: { command: texts, layers: { type: "object", additionalProperties: LAYER } },
          required: ["layers"],
          additionalProperties: false,
        },
      },
    });
    this.hooks = { "before:package:createDeploymentArtifacts": () => this.build() };
  }

  build() {
    const { service } = this.serverless;
    const { command = ["layerwright"], layers = {} } = service.custom?.layerwright ?? {};
    service.package.patterns = [...(service.package.patterns ?? []), `!${OUTPUT}/**`]; // in no function
    for (const [id, { recipe, runtime, architecture, recipes, options = [], ...rest }] of Object.entries(layers)) {
      if (service.layers?.[id]) throw this.error(`the layer ${id} is in \`layers\` and in \`custom.layerwright.layers\``);
      const selection = [
        recipe,
        ...(runtime ? ["--runtime", runtime] : []),
        ...(architecture ? ["--arch", architecture] : []),
        ...(recipes ? ["--recipes", recipes] : []),
        ...options,
      ];
      const plan = this.plan(id, command, selection);
      const [built] = this.run(command, ["build", ...selection, "--output", OUTPUT]).built;
      service.layers = {
        ...service.layers,
        [id]: {
          description: plan.description,
          licenseInfo: plan.license,
          ...rest,
          compatibleRuntimes: plan.runtimes,
          compatibleArchitectures: plan.architectures,
          package: { artifact: built.path },
        },
      };
    }
  }

  plan(id, command, selection) {
    const { plans } = this.run(command, ["plan", ...selection, "--quiet"]);
    if (plans.length !== 1) {
      const targets = plans.map((plan) => plan.target).join(", ");
      throw this.error(`${id}: a layer is one zip, and these are ${plans.length}: choose by runtime and architecture: ${targets}`);
    }
    return plans[0];
  }

  /** Run layerwright; what it tells, errors above all, goes to stderr as it stands. */
  run([program, ...before], args) {
    const done = spawnSync(program, [...before, ...args, "--json"], {
      cwd: path.resolve(this.serverless.serviceDir),
      stdio: ["ignore", "pipe", "inherit"],
      encoding: "utf-8",
      maxBuffer: 1 << 30,
    });
    if (done.error) {
      const why = done.error.code === "ENOENT" ? "is not installed, or not in PATH" : done.error.message;
      throw this.error(`\`${program}\` ${why}; install layerwright, or say with \`custom.layerwright.command\` how it is started`);
    }
    if (done.status !== 0) {
      throw this.error(`\`layerwright ${args.join(" ")}\` failed with ${done.signal ?? done.status}; its message stands above`);
    }
    return JSON.parse(done.stdout);
  }

  error(message) {
    return new this.serverless.classes.Error(message, "LAYERWRIGHT");
  }
}

module.exports = Layerwright;
