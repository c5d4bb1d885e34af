/** Names and licence texts of the packages whose files are in a bundle. */

const LICENCE_FILES = ["LICENSE", "LICENSE.md", "LICENSE.txt", "License.txt", "license", "LICENCE", "LICENSE-MIT"];

/**
 * @param inputs paths of bundled files, from the root of the tree, as esbuild's metafile has them
 * @param read reads a text file by such a path; throws when there is none
 */
export async function thirdPartyNotices(
  inputs: readonly string[],
  read: (path: string) => Promise<string>,
): Promise<string> {
  const folders = new Set(inputs.map(packageFolder).filter((folder) => folder !== undefined));
  const sections = await Promise.all([...folders].sort().map((folder) => section(folder, read)));
  return `Hindcast contains code of these packages.\n\n${sections.join(`\n${"-".repeat(80)}\n\n`)}`;
}

/** `node_modules/a/node_modules/@b/c/lib/d.js` -> `node_modules/a/node_modules/@b/c`. */
function packageFolder(path: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
}

async function section(folder: string, read: (path: string) => Promise<string>): Promise<string> {
  const { name, version, license } = JSON.parse(await read(`${folder}/package.json`)) as Record<string, string>;
  for (const file of LICENCE_FILES) {
    try {
      return `${name} ${version} (${license})\n\n${(await read(`${folder}/${file}`)).trim()}\n`;
    } catch {
      // Packages spell the name of this file in many ways: try the next.
    }
  }
  return `${name} ${version} (${license}): the package ships no licence text.\n`;
}
