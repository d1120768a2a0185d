import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import * as cdk from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";

/** What a layer is made of. Name, removal policy and the like are those of any LayerVersion. */
export interface LayerwrightLayerProps extends lambda.LayerVersionOptions {
  /** A recipe, of the own folder or of layerwright's catalogue; or the folder of a project. */
  readonly recipe: string;
  /** Runtimes of the layer. Default: those of the recipe, if all of them share one zip. */
  readonly runtimes?: lambda.Runtime[];
  /** Architecture of the layer. Default: that of the recipe, if one zip serves all. */
  readonly architecture?: lambda.Architecture;
  /** Folder of recipes. Default: layerwright's own, `recipes` beside cdk.json. */
  readonly recipes?: string;
  /** More options of `layerwright plan` and `layerwright build` alike, such as `["--group", "prod"]`. */
  readonly options?: string[];
  /** Folder of the zips, between builds. Default: layerwright.out. */
  readonly output?: string;
  /** How layerwright is started. Default: `["layerwright"]`. */
  readonly command?: string[];
}

/** The part of a document of `layerwright plan --json` that a layer needs. */
interface Plan {
  readonly target: string;
  readonly description: string;
  readonly license: string;
  readonly runtimes: string[];
  readonly architectures: string[];
  readonly plan_digest: string;
}

/** A zip of `layerwright build --json`. */
interface Built {
  readonly path: string;
  readonly plan_digest: string;
}

/**
 * A layer that layerwright builds when the app is synthesized. Its asset is the zip as layerwright wrote it, and is known
 * by the digest of the plan: as long as that stays, nothing is built.
 */
export class LayerwrightLayer extends lambda.LayerVersion {
  /** Everything that decides the bytes of the zip, as a digest. */
  readonly planDigest: string;

  constructor(scope: Construct, id: string, props: LayerwrightLayerProps) {
    const { recipe, runtimes, architecture, recipes, options, output, command, ...rest } = props;
    const caller = new Layerwright(command ?? ["layerwright"], [
      recipe,
      ...(runtimes ?? []).flatMap((runtime) => ["--runtime", runtime.name]),
      ...(architecture ? ["--arch", architecture.name] : []),
      ...(recipes ? ["--recipes", recipes] : []),
      ...(options ?? []),
    ]);
    const plan = caller.plan();
    super(scope, id, {
      description: plan.description,
      license: plan.license,
      ...rest,
      compatibleRuntimes: plan.runtimes.map(runtimeOf),
      compatibleArchitectures: plan.architectures.map((name) => lambda.Architecture.custom(name)),
      code: lambda.Code.fromAsset(".", {
        assetHashType: cdk.AssetHashType.CUSTOM,
        assetHash: plan.plan_digest,
        bundling: {
          image: cdk.DockerImage.fromRegistry("layerwright"), // asked for by CDK, and never used
          outputType: cdk.BundlingOutput.ARCHIVED,
          local: {
            tryBundle(folder: string): boolean {
              const zip = caller.build(plan, output ?? "layerwright.out");
              fs.copyFileSync(zip, path.join(folder, path.basename(zip)));
              return true;
            },
          },
        },
      }),
    });
    this.planDigest = plan.plan_digest;
  }
}

/** Runs layerwright. What it tells, errors above all, goes to stderr as it stands. */
class Layerwright {
  constructor(
    private readonly command: string[],
    private readonly selection: string[],
  ) {}

  plan(): Plan {
    const plans = this.run("plan", "--quiet").plans as Plan[];
    if (plans.length !== 1) {
      const targets = plans.map((plan) => plan.target).join(", ");
      throw new Error(`a layer is one zip, and these are ${plans.length}: choose by \`runtimes\` and \`architecture\`: ${targets}`);
    }
    return plans[0];
  }

  build(plan: Plan, output: string): string {
    const [built] = this.run("build", "--output", output).built as Built[];
    if (built.plan_digest !== plan.plan_digest) {
      throw new Error(`what decides ${plan.target} has changed while it was built; synthesize again`);
    }
    return built.path;
  }

  private run(verb: string, ...options: string[]): Record<string, unknown> {
    const [program, ...before] = this.command;
    const done = spawnSync(program, [...before, verb, ...this.selection, ...options, "--json"], {
      stdio: ["ignore", "pipe", "inherit"],
      encoding: "utf-8",
      maxBuffer: 1 << 30,
    });
    if (done.error) {
      const why = (done.error as NodeJS.ErrnoException).code === "ENOENT" ? "is not installed, or not in PATH" : done.error.message;
      throw new Error(`\`${program}\` ${why}; install layerwright, or say with \`command\` how it is started`);
    }
    if (done.status !== 0) {
      throw new Error(`\`layerwright ${verb} ${this.selection.join(" ")}\` failed with ${done.signal ?? done.status}; its message stands above`);
    }
    return JSON.parse(done.stdout);
  }
}

/** CDK compares runtimes by more than their names: take its own where it has one. */
function runtimeOf(name: string): lambda.Runtime {
  return lambda.Runtime.ALL.find((runtime) => runtime.name === name) ?? new lambda.Runtime(name);
}
