// What h5web shows of a recorded file, by the library that it reads with (h5wasm and its plug-ins, from npm): the plot that @default leads to, as JSON.
//   node reader_h5web.mjs DIRECTORY-WITH-NODE_MODULES FILE Y X
import { pathToFileURL } from 'node:url';

const [packages, path, y, x] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${packages}/node_modules/${name}`));
const { default: h5wasm } = await load('h5wasm/dist/node/hdf5_hl.js');
const { install_local_plugins: installPlugins } = await load('h5wasm-plugins/index.mjs');

const library = await h5wasm.ready;
library.activate_throwing_error_handler();
installPlugins(library);

const file = new h5wasm.File(path, 'r');
const attribute = (thing, name) => thing.attrs[name]?.value;
let group = file;
for (let next = '/'; attribute(group, 'default'); group = file.get(next)) {
  next = `${next.replace(/\/$/, '')}/${attribute(group, 'default')}`;
}
const signal = group.get(attribute(group, 'signal'));
const axes = attribute(group, 'axes').map((name) => {
  const axis = group.get(name);
  const values = axis.value;
  return [name, values[0], values[1] - values[0], attribute(axis, 'units')];
});
const pattern = signal.slice([[Number(y), Number(y) + 1], [Number(x), Number(x) + 1], [], []]);
console.log(JSON.stringify({
  class: attribute(group, 'NX_class'), path: signal.path, shape: signal.shape, axes, interpretation: attribute(signal, 'interpretation'), pattern: [...pattern],
}));
