// Firefox as Debian ships it, driven over its own remote protocol (Marionette), which needs no driver program.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from './harness.mjs';

const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

export const haveFirefox = () => existsSync(FIREFOX);

export class Firefox {
  #next = 1;
  #waiting = new Map();
  #bytes = Buffer.alloc(0);

  static async start() {
    const firefox = new Firefox();
    firefox.profile = mkdtempSync(join(tmpdir(), 'merlind-firefox-'));
    writeFileSync(join(firefox.profile, 'user.js'), 'user_pref("marionette.port", 0);\nuser_pref("app.update.enabled", false);\nuser_pref("datareporting.policy.dataSubmissionEnabled", false);\n');
    firefox.process = spawn(FIREFOX, ['--headless', '--no-remote', '--marionette', '--profile', firefox.profile, '--width', '1366', '--height', '900', 'about:blank'], { stdio: 'ignore', env: { ...process.env, HOME: firefox.profile } });
    firefox.ended = new Promise((done) => firefox.process.on('exit', done));
    const told = join(firefox.profile, 'MarionetteActivePort');
    const port = await waitFor(() => existsSync(told) && Number(readFileSync(told, 'utf8')), 60, 'Firefox to tell its port');
    await firefox.#connect(port);
    await firefox.send('WebDriver:NewSession', {});
    return firefox;
  }

  async #connect(port) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (data) => this.#received(data));
    this.socket.on('error', () => {});
    await new Promise((done, failed) => this.socket.once('connect', done).once('error', failed));
  }

  // LENGTH:[1, id, error, result]; the greeting at the beginning is no list.
  #received(data) {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    for (;;) {
      const colon = this.#bytes.indexOf(':');
      const length = Number(this.#bytes.toString('latin1', 0, colon));
      if (colon < 0 || this.#bytes.length < colon + 1 + length) return;
      const message = JSON.parse(this.#bytes.toString('utf8', colon + 1, colon + 1 + length));
      this.#bytes = this.#bytes.subarray(colon + 1 + length);
      if (!Array.isArray(message)) continue;
      const [, id, error, result] = message;
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) reject(new Error(`${error.error}: ${error.message}`));
      else resolve(result);
    }
  }

  send(command, parameters) {
    const id = this.#next++;
    const text = JSON.stringify([0, id, command, parameters]);
    this.socket.write(`${Buffer.byteLength(text)}:${text}`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  goto(url) {
    return this.send('WebDriver:Navigate', { url });
  }

  /** What `work`, a function of these arguments that is run in the page, returns. */
  async run(work, ...args) {
    const { value } = await this.send('WebDriver:ExecuteScript', { script: `return (${work})(...arguments)`, args, sandbox: null });
    return value;
  }

  async click(selector) {
    await this.send('WebDriver:ElementClick', { id: await this.#find(selector) });
  }

  async type(selector, text) {
    const id = await this.#find(selector);
    await this.send('WebDriver:ElementClear', { id });
    await this.send('WebDriver:ElementSendKeys', { id, text });
  }

  async #find(selector) {
    const { value } = await this.send('WebDriver:FindElement', { using: 'css selector', value: selector });
    return Object.values(value)[0];
  }

  async screenshot(path) {
    const { value } = await this.send('WebDriver:TakeScreenshot', { full: false });
    writeFileSync(path, Buffer.from(value, 'base64'));
  }

  async stop() {
    await this.send('Marionette:Quit', { flags: ['eForceQuit'] }).catch(() => {});
    const killer = setTimeout(() => this.process.kill('SIGKILL'), 10000);
    await this.ended;
    clearTimeout(killer);
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
