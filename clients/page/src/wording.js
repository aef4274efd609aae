// merlind's sentences are for programs too: they name requests, arguments and keys of the configuration. An operator reads
// the words that stand on this page, and where to go for the remedy.

const SENTENCES = [
  [/^not known: (.*); tell them with calibration, or .*$/, 'not known: $1. Type them in the tab Instrument, else angles and doses of this scan cannot be told'],
  [/^no virtual detector was added or moved since the run began: .*$/, 'No aperture was added or moved since this scan began: its maps are as they should be'],
  [/^(.*) was not added or moved since the run began: .*$/, '$1 was not added or moved since this scan began: its map is as it should be'],
  [/ \(disk_radius_px\)/g, ' (from the disk radius)'],
  [/: give labels with start$/, ': type one into Labels in the tab Scan before the next scan, such as strain = 8'],
  [/: start one, with mode "view".*$/, ': press Align in the tab Scan first'],
  [/: set pixel_size_k \(calibration\) before it$/, ': type the pixel size in the tab Instrument before the next scan'],
  [/measure (it|one) \((?:with )?calibration_measure\)( or .*)?$/, 'measure $1 in the tab Instrument'],
  [/^scan must be \[ny, nx\], each (.*)$/, 'Lines and Positions must each be $1'],
  [/^counts per electron need both current_pa and exposure_s$/, 'counts per electron need the beam current and the exposure of a pattern'],
  [/^a note has 1 to 1023 bytes.*$/, 'A note has 1 to some 1,000 letters, its author at most 60'],
  [/^name must be a text of .*holds control$/, 'Type your name: the others see it'],
  [/choose another recording\.directory/g, 'let recordings go to another directory'],
  [/ is not in a directory of recordings: .*$/, ' is not among the recordings that merlind may open: choose one from the list'],
];

const NAMES = {
  kv: 'Voltage', camera_length_mm: 'Camera length', pixel_size_k: 'Pixel size', scan_step_nm: 'Scan step', scan_step: 'Scan step',
  scan_rotation_deg: 'Scan rotation', disk_radius_px: 'Disk radius', beam_current_pa: 'Beam current', current_pa: 'Beam current',
  exposure_s: 'Exposure', counts_per_electron: 'Counts per electron', save_as: 'Name', ACQUISITIONTIME: 'Exposure', ACQUISITIONPERIOD: 'time between patterns',
  NUMFRAMESTOACQUIRE: 'number of patterns', annulus: 'Ring', disk_radius: 'Disk radius', wide_radius: 'Wide radius', alpha: 'False alarms',
  contrast_min: 'Least contrast', centre_uncertainty: 'Uncertainty of the centre', k_inner: 'Inner', k_outer: 'Outer', radius: 'Radius', inner: 'Inner', outer: 'Outer',
  centre: 'Centre', sectors: 'Sectors', start_angle: 'Start', angles: 'From and To', size: 'Height and Width', name: 'Name', labels: 'Labels', repeats: 'Repeats',
  recording: 'Recording', order: 'Order', preset: 'Trigger', 'recording.directory': 'the directory of recordings', virtual_detectors: 'apertures', virtual_detector: 'aperture',
};

const isWord = (name) => /^[a-z]+$/.test(name);
const either = (names) => names.map((name) => name.replace('.', '\\.')).join('|');
const quoted = new RegExp(`'(${either(Object.keys(NAMES))})'`, 'g');
const unmistakable = new RegExp(`(?<![\\w./])(?:args\\.|bragg\\.|calibration\\.)?(${either(Object.keys(NAMES).filter((name) => !isWord(name)))})(?![\\w./])`, 'g');
const dotted = new RegExp(`(?<![\\w./])(?:args|bragg|calibration)\\.(${either(Object.keys(NAMES))})(?![\\w./])`, 'g');
// What is also an English word is a name only where a sentence begins with it and says what it must be.
const first = new RegExp(`^(${either(Object.keys(NAMES).filter(isWord))})(?= must | \\()`);

const named = (_, name) => NAMES[name];

/** A sentence of merlind in an operator's words. */
export function inOperatorsWords(sentence) {
  const worded = SENTENCES.reduce((text, [said, shown]) => text.replace(said, shown), sentence);
  const text = worded.replace(quoted, named).replace(dotted, named).replace(unmistakable, named).replace(first, named);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
