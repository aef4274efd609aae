// What was written down for a scan, such as its strain.

/** The labels of "strain = 8, region = left": numbers where they are numbers. */
export function parseLabels(text) {
  const labels = {};
  for (const part of text.split(',').map((one) => one.trim()).filter(Boolean)) {
    const [key, ...rest] = part.split('=');
    const value = rest.join('=').trim();
    if (!value) throw new Error(`labels are written like strain = 8, region = left; "${part}" is not`);
    labels[key.trim()] = Number.isFinite(Number(value)) ? Number(value) : value;
  }
  return labels;
}
