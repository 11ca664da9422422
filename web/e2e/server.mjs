// server.mjs - a fairleadd of its own on free ports and a folder of its own, and a Chromium to look at it.
import { execFileSync, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const top = join(dirname(fileURLToPath(import.meta.url)), '../..');
const build = process.env.FAIRLEAD_BUILD ?? join(top, 'build');
const FLAGS = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const axeSource = readFileSync(join(top, 'web/node_modules/axe-core/axe.min.js'), 'utf8');

export const PASSWORD = 'kelp-Harbour-7-stone';

/** The programs stand in build/ or, in a build folder of meson's, below src/. */
export function program(name) {
    const at = [join(build, name), join(build, 'src', name === 'fairlead' ? 'cli' : name, name)].find((p) => existsSync(p));
    if (!at) throw new Error(`${name} is not built in ${build}`);
    return at;
}

/* Below the ports that the kernel gives to clients, so that none of them takes it before the server does. */
async function freePort() {
    for (;;) {
        const port = 20_000 + Math.floor(Math.random() * 12_000);
        const free = await new Promise((resolve) => {
            const probe = createServer();
            probe.once('error', () => resolve(false));
            probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
        });
        if (free) return port;
    }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(ask, what, ms = 20_000) {
    const end = Date.now() + ms;
    for (;;) {
        const got = await ask();
        if (got) return got;
        if (Date.now() > end) throw new Error(`not within ${ms / 1000} s: ${typeof what === 'function' ? what() : what}`);
        await sleep(100);
    }
}

/** The six digits of RFC 6238 for a base32 secret; `ahead` counts steps of 30 s. */
export function totp(secret, ahead = 0) {
    const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
    const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
    const step = Buffer.alloc(8);
    step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
    const mac = createHmac('sha1', key).update(step).digest();
    return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

export class Server {
    static async start(settings = '') {
        const server = new Server();
        server.home = mkdtempSync(join(tmpdir(), 'fl'));
        chmodSync(server.home, 0o755);
        server.port = await freePort();
        server.tlsPort = await freePort();
        server.base = `https://127.0.0.1:${server.port}`;
        writeFileSync(join(server.home, 'fairlead.conf'), `data_dir = ${server.home}/data
listen_tls = 127.0.0.1:${server.tlsPort}
web_listen = 127.0.0.1:${server.port}
web_root = ${process.env.FAIRLEAD_WEB ?? join(top, 'build/web')}
${settings}
`);
        server.log = join(server.home, 'log');
        const log = openSync(server.log, 'a');
        server.process = spawn(program('fairleadd'), ['-c', join(server.home, 'fairlead.conf')], { stdio: ['ignore', log, log] });
        await until(() => server.isUp(), () => `the server is up:\n${readFileSync(server.log, 'utf8')}`);
        return server;
    }

    isUp() {
        if (this.process.exitCode !== null) throw new Error(`the server ended:\n${readFileSync(this.log, 'utf8')}`);
        try {
            const status = JSON.parse(this.run('status', '--json'));
            return status.roles.every((r) => r.up);
        } catch {
            return false;
        }
    }

    /** The command line, over the local socket. */
    run(...words) {
        return execFileSync(program('fairlead'), words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'],
            env: { ...process.env, FAIRLEAD_SERVER: join(this.home, 'data/run/fairlead.sock') } });
    }

    /** A user with a temporary password: { sign_in, password }. */
    user(name, role) {
        return JSON.parse(this.run('user', 'add', name, '--role', role, '--json'));
    }

    async stop() {
        this.process.kill('SIGTERM');
        await until(() => this.process.exitCode !== null || this.process.signalCode !== null, 'the server ends').catch(() => this.process.kill('SIGKILL'));
        rmSync(this.home, { recursive: true, force: true });
    }
}

export async function launch() {
    const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...FLAGS, ...root] });
}

/** A page that keeps what must not happen: broken policy, errors of scripts, requests to others. */
export async function open(browser, server, options = {}) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, reducedMotion: 'reduce', viewport: { width: 1440, height: 900 }, acceptDownloads: true, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.faults = [];
    page.on('pageerror', (error) => page.faults.push(`error: ${error.message}`));
    page.on('console', (message) => {
        if (/Content Security Policy|TrustedTypes|Trusted Type|require-trusted/i.test(message.text())) page.faults.push(`policy: ${message.text()}`);
    });
    page.on('request', (request) => {
        if (!request.url().startsWith(server.base) && !request.url().startsWith('blob:')) page.faults.push(`outside: ${request.url()}`);
    });
    return page;
}

/** What axe finds on the page as it is now: [] is wanted. */
/* After a navigation Chromium may bring the emulated theme late, and what stands in a container of its own has its style only
   after the next frame: a look that came before, or during which the theme changed, saw half of each. */
export async function axe(page) {
    await page.evaluate(axeSource);
    const look = () => page.evaluate(async () => {
        await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(drawn, 100))));
        const theme = document.documentElement.dataset.theme;
        const result = await globalThis.axe.run(document, { resultTypes: ['violations'] });
        return { result, whole: theme === document.documentElement.dataset.theme };
    });
    let seen = await look();
    while (!seen.whole) seen = await look();
    return seen.result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} (${n.any[0]?.message ?? n.failureSummary})`).join(', ')}`);
}

/** Wider than the window: something is cut off or scrolls the page. */
export const tooWide = (page) => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);

/** Through all steps to an open session; returns the secret of the second factor. */
export async function signIn(page, server, name, password, { fresh = PASSWORD, secret = '', at = '/' } = {}) {
    await page.goto(server.base + at);
    await page.getByLabel('User name or e-mail').fill(name);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    const shell = page.getByRole('navigation', { name: 'Places' });
    const own = page.getByRole('form', { name: 'Choose your own password' });
    const enrol = page.getByRole('form', { name: 'Add your authenticator' });
    const second = page.getByRole('form', { name: 'Second factor' });
    const codes = page.getByRole('region', { name: 'Recovery codes' });
    for (;;) {
        await shell.or(own).or(enrol).or(second).or(codes).first().waitFor();
        if (await shell.isVisible()) return secret;
        if (await own.isVisible()) {
            await page.getByLabel('New password').fill(fresh);
            await page.getByLabel('Again').fill(fresh);
            await page.getByRole('button', { name: 'Save and go on' }).click();
            await own.waitFor({ state: 'detached' });
        } else if (await enrol.isVisible()) {
            secret = (await enrol.locator('code').innerText()).replace(/\s/g, '');
            await page.getByLabel('Type the code it shows').fill(totp(secret));
            await enrol.waitFor({ state: 'detached' });
        } else if (await codes.isVisible()) {
            await page.getByRole('checkbox').check();
            await page.getByRole('button', { name: 'Go on' }).click();
            await codes.waitFor({ state: 'detached' });
        } else {
            await page.getByLabel('Code', { exact: true }).fill(totp(secret, 1)); // the one of now was taken by the enrolment
            await second.waitFor({ state: 'detached' });
        }
    }
}
