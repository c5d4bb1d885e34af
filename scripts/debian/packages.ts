/** Debian's riscv64 packages, fetched by apt from wherever this computer gets its own packages. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const RELEASE = "trixie";
/** Keys of Debian's archive, from its package of that name. */
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** A folder of apt's own, so that nothing of this computer's package management is touched. */
export class PackageCache {
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(folder: string) {
    this.#folder = folder;
    this.#environment = { ...process.env, APT_CONFIG: join(folder, "apt.conf"), LC_ALL: "C" };
  }

  /** Reads the lists of packages anew. */
  update(): void {
    const folder = this.#folder;
    for (const name of ["lists/partial", "archives/partial"]) mkdirSync(join(folder, name), { recursive: true });
    const signed = existsSync(KEYRING) ? ` signed-by=${KEYRING}` : "";
    writeFileSync(join(folder, "sources.list"), `deb [arch=riscv64${signed}] ${debianSource()} ${RELEASE} main\n`);
    writeFileSync(join(folder, "status"), "");
    const settings = {
      "Dir::Etc::sourcelist": join(folder, "sources.list"),
      "Dir::Etc::sourceparts": "/dev/null",
      "Dir::Etc::preferences": "/dev/null",
      "Dir::Etc::preferencesparts": "/dev/null",
      "Dir::State": folder,
      "Dir::State::lists": join(folder, "lists"),
      "Dir::State::status": join(folder, "status"),
      "Dir::Cache": folder,
      "APT::Architecture": "riscv64",
      "APT::Architectures": "riscv64",
      // apt would give up its rights to a user that may not write here.
      "APT::Sandbox::User": "root",
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
    writeFileSync(join(folder, "apt.conf"), lines.join(""));
    this.#run("apt-get", ["-qq", "update"]);
  }

  /** The newest kernel of the release, as its meta package names it. */
  kernelPackage(): string {
    const depends = this.#run("apt-cache", ["depends", "linux-image-riscv64"]);
    const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
    if (name === undefined) throw new Error(`linux-image-riscv64 depends on no kernel:\n${depends}`);
    return name;
  }

  /** Fetches packages unless they are there, and unpacks them into `root`. Returns their files' names, with versions. */
  unpack(packages: readonly string[], root: string): string[] {
    const files = join(this.#folder, "files");
    mkdirSync(files, { recursive: true });
    mkdirSync(root, { recursive: true });
    return packages.map((name) => {
      const find = () => readdirSync(files).find((file) => file.startsWith(`${name}_`));
      if (find() === undefined) this.#run("apt-get", ["-qq", "download", name], files);
      const file = find();
      if (file === undefined) throw new Error(`apt-get has not fetched ${name}`);
      execFileSync("dpkg-deb", ["-x", join(files, file), root]);
      return file.replace(/\.deb$/, "");
    });
  }

  #run(program: string, args: readonly string[], cwd?: string): string {
    const options = { cwd, env: this.#environment, encoding: "utf8", maxBuffer: 64 * 2 ** 20 } as const;
    return execFileSync(program, args, options);
  }
}

/** Where this computer gets Debian's packages from, without those of the security team. */
function debianSource(): string {
  const format = "$(ORIGIN)\t$(LABEL)\t$(REPO_URI)";
  const list = execFileSync("apt-get", ["indextargets", "--format", format, "Created-By: Packages"], {
    encoding: "utf8",
  });
  for (const line of list.split("\n")) {
    const [origin, label, uri] = line.split("\t");
    if (origin === "Debian" && label === "Debian") return uri;
  }
  throw new Error("apt knows no source of Debian's packages: this needs a Debian machine after apt-get update");
}
