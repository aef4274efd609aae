// Bundles the page: node build.js SOURCE-DIRECTORY OUTPUT-DIRECTORY; packages are taken from node_modules/ beside this.

import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const [source = join(here, 'src'), output = join(here, 'dist')] = process.argv.slice(2).map((path) => resolve(path));

await mkdir(output, { recursive: true });
const common = { bundle: true, minify: true, target: ['chrome100', 'firefox102'], legalComments: 'none', logLevel: 'warning', nodePaths: [join(here, 'node_modules')] };
await build({ ...common, entryPoints: [join(source, 'main.js')], format: 'esm', outfile: join(output, 'app.js') });
await build({ ...common, entryPoints: [join(source, 'style.css')], outfile: join(output, 'style.css') });
for (const name of ['index.html', 'icon.svg']) await copyFile(join(source, name), join(output, name));
