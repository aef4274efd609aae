// Bundles the page: node build.js SOURCE-DIRECTORY OUTPUT-DIRECTORY; packages are taken from node_modules/ beside this.
// OUTPUT-DIRECTORY/page.d tells ninja which files the page was made of.

import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const [source = join(here, 'src'), output = join(here, 'dist')] = process.argv.slice(2).map((path) => resolve(path));
const common = {
  bundle: true, minify: true, metafile: true, target: ['chrome100', 'firefox102'], legalComments: 'none', logLevel: 'warning',
  nodePaths: [join(here, 'node_modules')],
};
const copied = ['index.html', 'icon.svg'];

await mkdir(output, { recursive: true });
const bundles = await Promise.all([
  build({ ...common, entryPoints: [join(source, 'main.js')], format: 'esm', outfile: join(output, 'app.js') }),
  build({ ...common, entryPoints: [join(source, 'style.css')], outfile: join(output, 'style.css') }),
]);
for (const name of copied) await copyFile(join(source, name), join(output, name));

const inputs = bundles.flatMap(({ metafile }) => Object.keys(metafile.inputs)).map((path) => resolve(path));
const made = [...inputs, ...copied.map((name) => join(source, name))];
await writeFile(join(output, 'page.d'), `index.html: ${made.map((path) => path.replace(/ /g, '\\ ')).join(' ')}\n`);
