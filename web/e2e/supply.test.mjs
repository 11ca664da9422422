// Supply chain: events, an event's page, cases, a supplier's answer without an account, feeds; on the demonstration's network.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createServer as listen } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PASSWORD, Server, axe, launch, open as openPage, program, signIn, tooWide, until } from './server.mjs';

const WAIT = { timeout: 20_000 };
const API = '/api/v1/tenants/demo';
let server, demo, browser, feed, post, ana, otto, eva;
const mails = [];

/* Takes mail by SMTP, a line at a time, and keeps it. */
function mailbox() {
    return listen((socket) => {
        let rest = '', data = null;
        const say = (text) => socket.write(`${text}\r\n`);
        socket.on('error', () => {});
        socket.on('data', (piece) => {
            rest += piece.toString('latin1');
            for (let at; (at = rest.indexOf('\r\n')) >= 0; rest = rest.slice(at + 2)) {
                const line = rest.slice(0, at);
                if (data !== null && line === '.') {
                    mails.push(data);
                    data = null;
                    say('250 queued');
                } else if (data !== null) data += `${line}\n`;
                else if (line === 'DATA') {
                    data = '';
                    say('354 go on');
                } else if (line === 'QUIT') socket.end('221 bye\r\n');
                else say('250 ok');
            }
        });
        say('220 here');
    });
}

/* The links of questions in a mail, whatever its encoding. */
function linksOf(mail) {
    const [head, ...body] = mail.split('\n\n');
    const text = /base64/i.test(head) ? Buffer.from(body.join(''), 'base64').toString() : body.join('\n\n').replace(/=\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    return [...text.matchAll(/\/answer\/[\w-]{43}/g)].map((m) => m[0]);
}

async function state(user, at) {
    const page = await openPage(browser, server);
    await signIn(page, server, user.sign_in, user.password, { fresh: PASSWORD, at });
    const kept = await page.context().storageState();
    await page.context().close();
    return kept;
}

/* Asks the API as whoever the page belongs to. */
async function ask(page, method, path, body) {
    const request = page.context().request;
    const { csrf } = await (await request.get(`${server.base}/api/v1/session`)).json();
    const response = await request.fetch(server.base + path, { method, headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf }, data: body });
    return response.json();
}

before(async () => {
    feed = createServer((_, response) => response.end('{"type":"FeatureCollection","features":[{"id":"x","properties":{"mag":"strong"}}]}'));
    await new Promise((done) => feed.listen(0, '127.0.0.1', done));
    post = mailbox();
    await new Promise((done) => post.listen(0, '127.0.0.1', done));
    const host = `127.0.0.1:${feed.address().port}`;
    server = await Server.start(`outbound_allow = ${host}\noutbound_private = ${host}, 127.0.0.1:${post.address().port}
smtp_server = 127.0.0.1:${post.address().port}
smtp_tls = none
smtp_from = fairlead@example.org`);
    demo = spawn(program('fairlead'), ['demo', '--to', `localhost:${server.tlsPort}`, '--out', join(server.home, 'demo')], {
        stdio: 'ignore', env: { ...process.env, FAIRLEAD_SERVER: join(server.home, 'data/run/fairlead.sock'), FAIRLEAD_HOME: server.home }
    });
    await until(() => JSON.parse(server.run('status', '--json')).tenants.find((t) => t.slug === 'demo'), 'the demonstration has its tenant', 60_000);
    server.run('tenant', 'add', 'leer', '--name', 'Nothing yet');
    browser = await launch();
    ana = await state(server.user('demo/ana', 'tenant-admin'), '/overview');
    eva = await state(server.user('leer/eva', 'supply-manager'), '/overview');
    otto = await state(server.user('otto', 'operator-admin'), '/admin');
    const page = await openPage(browser, server, { storageState: ana });
    await until(async () => (await ask(page, 'GET', `${API}/risks`)).total >= 2, 'two events touch the network', 90_000);
    await page.context().close();
}, { timeout: 240_000 });

after(async () => {
    await browser?.close();
    demo?.kill('SIGTERM');
    await server?.stop();
    feed?.close();
    post?.close();
});

async function open(t, path, { width = 1440, theme = 'light', who = ana } = {}) {
    const page = await openPage(browser, server, { storageState: who ?? undefined, viewport: { width, height: 900 }, timezoneId: 'Europe/Berlin' });
    await page.addInitScript((name) => localStorage.setItem('fairlead.theme', name), theme);
    await page.goto(server.base + path);
    t.after(async () => {
        await page.context().close();
        assert.deepEqual(page.faults, []);
    });
    return page;
}

async function clean(page, what) {
    assert.deepEqual(await axe(page), [], what);
    assert.equal(await tooWide(page), false, `${what} is wider than the window`);
}

/* The event that costs most, among those that no case stands for. */
async function first(page) {
    const risks = await ask(page, 'GET', `${API}/risks`);
    return risks.items.find((r) => !r.case) ?? risks.items[0];
}

test('each page in both themes and widths: no finding, nothing cut', { timeout: 240_000 }, async (t) => {
    const setup = await open(t, '/overview');
    const risk = await first(setup);
    const made = risk.case ? { id: risk.case } : await ask(setup, 'POST', `${API}/cases`, { risk: risk.id });
    const pages = [
        ['/supply/events', 'article.ev'], [`/supply/events/${risk.id}`, '.how pre'], ['/supply/cases', 'tbody tr'],
        [`/supply/cases/${made.id}`, '.tl li'], ['/answer/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', '[role=alert]']
    ];
    for (const theme of ['light', 'dark'])
        for (const width of [1440, 390])
            await t.test(`${theme}, ${width}`, async (s) => {
                const page = await open(s, pages[0][0], { theme, width });
                for (const [path, sign] of pages) {
                    await page.goto(server.base + path);
                    await page.locator(sign).first().waitFor(WAIT);
                    await page.waitForTimeout(300);
                    await clean(page, `${path} ${theme} ${width}`);
                }
            });
});

test('an event opens with the keyboard, its net loss can be recomputed from what it shows', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/supply/events');
    await page.locator('article.ev h3 a').first().waitFor(WAIT);
    await page.locator('article.ev h3 a').first().focus();
    await page.keyboard.press('Enter');
    await page.getByText('All events').waitFor();
    const id = /\/(\d+)$/.exec(new URL(page.url()).pathname)[1];
    await page.locator('.how pre').waitFor(WAIT);
    const r = await ask(page, 'GET', `${API}/risks/${id}`);
    const net = r.levels.reduce((sum, l, k) => sum + (l.probability - (r.levels[k + 1]?.probability ?? 0)) * (l.low + 4 * l.likely + l.high) / 6, 0);
    assert.ok(Math.abs(net - r.net_loss) <= Math.max(1, 1e-4 * r.net_loss), `${net} is ${r.net_loss}`);
    assert.equal(await page.locator('.how tbody tr').count(), r.levels.length);
});

test('mute with a reason, found again among the muted, shown again', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/supply/events');
    const card = page.locator('article.ev').last();
    await card.waitFor(WAIT);
    const title = await card.locator('h3 a').innerText();
    await card.getByRole('button', { name: 'Mute…' }).click();
    await card.getByLabel('because').selectOption('Stock covers it');
    await clean(page, 'the form to mute');
    await card.getByRole('button', { name: 'Mute, logged' }).click();
    await page.getByRole('heading', { name: title }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: /muted, by whom and why/ }).click();
    const muted = page.locator('article.ev', { hasText: title });
    await muted.getByText('Stock covers it').waitFor(WAIT);
    await muted.getByText('ana@demo').waitFor();
    await muted.getByRole('button', { name: 'Show again' }).click();
    await muted.waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Back to what matters' }).click();
    await page.getByRole('heading', { name: title }).waitFor(WAIT);
});

test('whether it came true is said once, and can be taken back', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/overview');
    const risk = await first(page);
    await page.goto(`${server.base}/supply/events/${risk.id}`);
    await page.getByRole('button', { name: 'It came true' }).click();
    await page.getByText('Came true, says ana').waitFor(WAIT);
    await page.goto(`${server.base}/supply/events`);
    await page.getByText(/^1 of \d+ this week/).or(page.getByText(/100 % 1 of/)).or(page.locator('.share strong')).first().waitFor(WAIT);
    await page.goto(`${server.base}/supply/events/${risk.id}`);
    await page.getByRole('button', { name: 'Take back' }).click();
    await page.getByRole('button', { name: 'False alert' }).waitFor(WAIT);
});

test('a case from an event: a site is confirmed, a supplier answers without an account, a plan is chosen', { timeout: 120_000 }, async (t) => {
    const page = await open(t, '/supply/events');
    const card = page.locator('article.ev', { has: page.getByRole('button', { name: 'Start case' }) }).first();
    await card.getByRole('button', { name: 'Start case' }).click();
    await page.waitForURL(/\/supply\/cases\/\d+/);
    const id = /\/(\d+)$/.exec(new URL(page.url()).pathname)[1];
    const rows = page.getByRole('table', { name: 'Affected sites' }).locator('tbody tr');
    await rows.first().focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Status').selectOption('confirmed');
    await dialog.getByLabel('Down for, days').fill('many');
    await dialog.getByRole('button', { name: 'Write it down' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByLabel('Down for, days').fill('28');
    await clean(page, 'what is known of a site');
    await dialog.getByRole('button', { name: 'Write it down' }).click();
    await page.getByRole('cell', { name: '4 weeks' }).waitFor(WAIT);

    await page.getByRole('button', { name: 'Ask…' }).click();
    await dialog.getByLabel('How').selectOption('link');
    await dialog.getByLabel('Language').selectOption('de');
    await dialog.getByRole('button', { name: 'Ask', exact: true }).click();
    const link = new URL(await dialog.locator('code').innerText()).pathname;
    await dialog.getByRole('button', { name: 'Done' }).click();

    const them = await open(t, link, { who: null, width: 390 });
    const asked = [];
    them.on('request', (r) => asked.push(new URL(r.url()).pathname));
    await them.reload();
    await them.getByRole('heading', { name: 'Ist Ihr Standort betroffen?' }).waitFor(WAIT);
    await clean(them, 'the question');
    assert.ok(!asked.some((p) => p.startsWith('/api/v1/session')), 'the page of a supplier asks for no session');
    assert.deepEqual(await them.context().cookies(), []);
    await page.getByText('Opened', { exact: true }).waitFor(WAIT);
    await them.getByLabel('Ja, der Standort ist betroffen').check();
    await them.getByLabel('In wie vielen Tagen liefern Sie wieder normal?').fill('bald');
    await them.getByRole('button', { name: 'Antwort senden' }).click();
    assert.equal(await them.locator('[aria-invalid=true]').count(), 1);
    await them.getByLabel('In wie vielen Tagen liefern Sie wieder normal?').fill('21');
    await them.getByLabel('Ihr Name').fill('N. Charoen');
    await them.getByRole('button', { name: 'Antwort senden' }).click();
    await them.getByText('Vielen Dank.').waitFor(WAIT);
    await clean(them, 'the answer');
    await them.getByLabel('Language').selectOption('en');
    await them.getByRole('heading', { name: 'Is your site affected?' }).waitFor(WAIT);
    await them.reload();
    await them.getByText('N. Charoen').waitFor(WAIT);
    assert.equal(await them.getByRole('button', { name: /senden|Send/ }).count(), 0, 'it is answered once');
    await page.getByText('Answered', { exact: true }).waitFor(WAIT);
    await page.getByText(/21 d, /).waitFor(WAIT);

    await page.getByRole('button', { name: 'Add a plan…' }).click();
    const detail = await ask(page, 'GET', `${API}/cases/${id}`);
    const used = await ask(page, 'GET', `${API}/supply/rows/part_sites?find=${detail.sites[0].site}&limit=5`);
    await dialog.getByLabel('What is done').fill('Buy from brokers');
    await dialog.getByLabel('Part').fill('NO-SUCH');
    await dialog.getByLabel('Units', { exact: true }).fill('5000');
    await dialog.getByLabel(/^Cost/).fill('12000');
    await clean(page, 'a plan');
    await dialog.getByLabel('Part').fill(used.items[0].cells.part_id ?? used.items[0].key.split('@')[0]);
    await dialog.getByRole('button', { name: 'Add it' }).click();
    const plan = page.locator('tr', { hasText: 'Buy from brokers' });
    await plan.getByRole('button', { name: 'Choose' }).click();
    await plan.getByText(/chosen/).waitFor(WAIT);
    await page.getByText('the chosen set').waitFor(WAIT);
    await page.getByText(/Same 2.000 draws/).waitFor(WAIT);
    await clean(page, 'the case with a chosen plan');

    await page.getByRole('button', { name: 'Change status…' }).click();
    await dialog.getByLabel('State').selectOption('acting');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText(/acting/).first().waitFor(WAIT);
});

test('one answer serves the other customer that is ticked, in a case of its own', { timeout: 90_000 }, async (t) => {
    const page = await open(t, '/supply/cases');
    const site = (await ask(page, 'GET', `${API}/supply/rows/sites?limit=1`)).items[0].key;
    const cases = [];
    for (const title of ['Water in hall 2', 'Power is out']) {
        const made = await ask(page, 'POST', `${API}/cases`, { title, sites: [{ site, name: 'Hall 2' }] });
        const asked = await ask(page, 'POST', `${API}/cases/${made.id}/questions`, { site, to: 'plant@example.org', language: 'en' });
        assert.equal(asked.to, 'plant@example.org', JSON.stringify(asked));
        cases.push(made.id);
    }
    const links = await until(() => { const l = mails.flatMap(linksOf); return l.length >= 2 && l; }, 'two mails with a link', 30_000);
    const them = await open(t, links[0], { who: null });
    await them.getByText('Give the same answer to').waitFor(WAIT);
    await them.getByRole('checkbox').check();
    await them.getByRole('radio').nth(1).check();
    await clean(them, 'the ticks for other customers');
    await them.locator('button[type=submit]').click();
    await them.getByRole('status').waitFor(WAIT);
    for (const id of cases) {
        await page.goto(`${server.base}/supply/cases/${id}`);
        await page.getByText('Answered', { exact: true }).waitFor(WAIT);
        await page.getByText(/no impact/).first().waitFor(WAIT);
    }
});

test('an event that somebody typed: what is wrong is named, then it is followed', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/supply/events');
    await page.getByRole('heading', { name: 'Events', exact: true }).waitFor(WAIT);
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').locator('input').waitFor(WAIT);
    await page.keyboard.type('type an event');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'An event that you heard of' });
    await dialog.getByLabel('Type').locator('option').nth(1).waitFor({ state: 'attached', ...WAIT });
    await clean(page, 'the form of an event');
    await dialog.getByLabel('What happened').fill('Crane drivers walk out');
    await dialog.getByRole('button', { name: 'An area' }).click();
    await dialog.getByLabel(/^Corners/).fill('14.6,100.2 14.6');
    await dialog.getByRole('button', { name: 'Follow it' }).click();
    await dialog.getByText('Three corners at least').waitFor();
    await dialog.getByLabel(/^Corners/).fill('-40,-20 -40,-19 -41,-19');
    await dialog.getByRole('button', { name: 'Follow it' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.goto(`${server.base}/supply/events?state=untouched`);
    await page.getByRole('heading', { name: 'Crane drivers walk out' }).waitFor(WAIT);
});

test('no network, no events: what to do next; a server that does not answer: what to do', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/supply/events', { who: eva });
    await page.getByText('Nothing touches your parts').waitFor(WAIT);
    await page.getByRole('link', { name: 'Import a network' }).waitFor();
    await clean(page, 'no events');
    await page.goto(`${server.base}/supply/cases`);
    await page.getByText('No case yet').waitFor(WAIT);
    await clean(page, 'no case');
    await page.context().setOffline(true);
    await page.getByRole('link', { name: 'Events', exact: true }).click();
    await page.getByText('The events could not be loaded').waitFor(WAIT);
    await clean(page, 'the server does not answer');
    await page.context().setOffline(false);
    await page.getByRole('button', { name: /again/i }).first().click();
    await page.getByText('Nothing touches your parts').waitFor(WAIT);
});

test('feeds: a bad address is refused with the reason, what cannot be read is shown, it is switched off and removed', { timeout: 90_000 }, async (t) => {
    const page = await open(t, '/admin/feeds', { who: otto });
    await page.getByRole('table', { name: 'Feeds of events' }).waitFor(WAIT);
    await clean(page, 'feeds');
    await page.getByRole('button', { name: 'Add a feed' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Short name').fill('here');
    await dialog.getByLabel('Name', { exact: true }).fill('From here');
    await dialog.getByLabel('Address').fill('https://feeds.example.org/');
    await dialog.getByRole('button', { name: 'Add it' }).click();
    await dialog.getByText(/may not be connected to/).waitFor();
    await clean(page, 'a feed that is refused');
    await dialog.getByLabel('Address').fill(`http://127.0.0.1:${feed.address().port}/`);
    await dialog.getByLabel(/without TLS/).check();
    await dialog.getByRole('button', { name: 'Add it' }).click();
    const side = page.getByRole('complementary', { name: 'From here' });
    await side.locator('summary').first().waitFor({ timeout: 40_000 });
    await side.locator('summary').first().click();
    await side.locator('pre').first().waitFor();
    await clean(page, 'what was refused');
    await side.getByRole('button', { name: 'Read now' }).click();
    await side.getByRole('button', { name: 'Switch off' }).click();
    await side.getByRole('button', { name: 'Switch on' }).waitFor(WAIT);
    await side.getByRole('button', { name: 'Remove…' }).click();
    await dialog.getByRole('button', { name: 'Remove it' }).click();
    await side.waitFor({ state: 'detached' });
});
