// Overview, Analytics and the log explorer, on the logs of the demonstration.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PASSWORD, Server, axe, launch, open as openPage, program, signIn, tooWide, until } from './server.mjs';

const WAIT = { timeout: 15_000 };
let server, demo, browser, state;

before(async () => {
    server = await Server.start();
    demo = spawn(program('fairlead'), ['demo', '--to', `localhost:${server.tlsPort}`, '--out', join(server.home, 'demo')], {
        stdio: 'ignore', env: { ...process.env, FAIRLEAD_SERVER: join(server.home, 'data/run/fairlead.sock'), FAIRLEAD_HOME: server.home }
    });
    const rows = () => JSON.parse(server.run('status', '--json')).tenants.find((t) => t.slug === 'demo')?.data?.rows ?? 0;
    await until(() => rows() > 20_000, 'the demonstration has sent a day', 90_000);
    const ana = server.user('demo/ana', 'analyst');
    browser = await launch();
    const page = await openPage(browser, server);
    await signIn(page, server, ana.sign_in, ana.password, { fresh: PASSWORD, at: '/overview' });
    state = await page.context().storageState();
    await page.context().close();
}, { timeout: 150_000 });

after(async () => {
    await browser?.close();
    demo?.kill('SIGTERM');
    await server?.stop();
});

/* A page that fails the test on a violated policy, an error of the script, or a request to elsewhere. */
async function open(t, path, { width = 1440, theme = 'light' } = {}) {
    const page = await openPage(browser, server, { storageState: state, viewport: { width, height: 900 }, timezoneId: 'Europe/Berlin' });
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

const param = (page, name) => new URL(page.url()).searchParams.get(name);

test('each page in both themes and widths: no finding, nothing cut', { timeout: 180_000 }, async (t) => {
    const pages = [
        ['/overview', '.mults figure'], ['/analytics/applications', 'tbody .pick'], ['/analytics/websites', 'tbody .pick'],
        ['/analytics/users', 'tbody .pick'], ['/analytics/logs?last=1h&tail=1', 'tr[data-row="0"]'], ['/analytics/searches', 'section']
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

test('overview: numbers lead to lines, the map filters by site with the keyboard alone', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/overview');
    await page.locator('.keyfig a[href*="/analytics/logs"]').first().waitFor(WAIT);
    const marks = page.locator('svg .mark');
    await marks.first().waitFor(WAIT);
    await marks.first().focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => new URL(location.href).searchParams.has('site'), null, WAIT);
    await page.getByRole('button', { name: 'Show all sites' }).click();
    assert.equal(param(page, 'site'), null);
    await page.locator('.mults figcaption a.num').first().click();
    await page.waitForURL(/\/analytics\/logs\?.*q=app/, WAIT);
    await page.locator('tr[data-row="0"]').waitFor(WAIT);
});

test('applications: brush, totals, filter to range, back, one of them closely', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/analytics/applications');
    const over = page.locator('.over').first();
    await over.waitFor(WAIT);
    const box = await over.boundingBox();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 40, { steps: 5 });
    await page.mouse.up();
    await page.getByText(/[MGTk]?B, [\d\s]+ users?/).waitFor(WAIT);
    const fine = (name) => new Date(param(page, name)).getTime() % 300_000;
    assert.equal(fine('bf') + fine('bt'), 0, 'the selected time stands on five minutes');
    const end = param(page, 'bt');
    const hand = page.getByRole('slider', { name: 'End of the selected time' });
    await hand.focus();
    await page.keyboard.press('ArrowRight');
    assert.ok(param(page, 'bt') > end, 'the arrow moved the end');
    await page.getByRole('button', { name: 'Filter to range' }).click();
    assert.ok(param(page, 'from') && param(page, 'to') && !param(page, 'bf'));
    await page.goBack();
    assert.equal(param(page, 'from'), null);
    assert.ok(param(page, 'bf'), 'the selected time is there again');
    await page.locator('tbody .pick').first().click();
    await page.locator('aside .trio').waitFor(WAIT);
    const shared = await page.context().newPage();
    await shared.goto(page.url());
    await shared.locator('aside .trio').waitFor(WAIT);
    await page.keyboard.press('Escape');
    assert.equal(param(page, 'sel'), null);
    await page.getByText('As a table').first().click();
    await page.locator('details table tbody tr').nth(20).waitFor(WAIT);
});

test('the keyboard alone selects a time', { timeout: 30_000 }, async (t) => {
    const page = await open(t, '/analytics/applications');
    await page.locator('.over').first().waitFor(WAIT);
    await page.getByRole('button', { name: 'Select a time with the keyboard' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('slider', { name: 'Begin of the selected time' }).waitFor(WAIT);
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => !new URL(location.href).searchParams.has('bf'), null, WAIT);
});

test('users are masked until a purpose is stated, and again after "End now"', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/analytics/users');
    const first = page.locator('tbody .pick').first();
    await first.waitFor(WAIT);
    assert.match(await first.innerText(), /^user [0-9a-f]{8}$/);
    await page.getByRole('button', { name: 'Show names…' }).click();
    await page.getByRole('button', { name: 'Show for 15 min' }).click();
    await page.getByText('Choose the purpose.').waitFor(WAIT);
    await page.getByLabel('Purpose').selectOption('incident');
    await page.getByLabel('Case or ticket').fill('INC-1');
    await page.getByRole('button', { name: 'Show for 15 min' }).click();
    await page.getByText('Personal data shows').first().waitFor(WAIT);
    await page.waitForFunction(() => !/^user [0-9a-f]{8}$/.test(document.querySelector('tbody .pick')?.textContent ?? 'user 00000000'), null, WAIT);
    await page.getByRole('button', { name: 'End now' }).click();
    await page.waitForFunction(() => /^user [0-9a-f]{8}$/.test(document.querySelector('tbody .pick')?.textContent ?? ''), null, WAIT);
});

test('log explorer: typing, completion, a fault at its place, + and -, rows by keyboard, context', { timeout: 90_000 }, async (t) => {
    const page = await open(t, '/analytics/logs?last=24h');
    await page.locator('tr[data-row="0"]').waitFor(WAIT);
    await page.keyboard.press('/');
    await page.keyboard.type('app:YOUT');
    await page.getByRole('option', { name: /^YOUTUBE/ }).waitFor(WAIT);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const box = page.getByRole('combobox', { name: 'Filter' });
    assert.match(await box.inputValue(), /^app:YOUTUBE /);
    await page.keyboard.press('Escape');
    await box.focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => new URL(location.href).searchParams.get('q') === 'app:YOUTUBE', null, WAIT);

    await box.fill('app: x');
    await box.press('Enter');
    await page.getByText(/a value must follow/).first().waitFor(WAIT);
    assert.equal(await box.getAttribute('aria-invalid'), 'true');
    await page.goBack();
    await page.locator('.cost', { hasText: 'Complete' }).waitFor(WAIT);

    await page.getByRole('button', { name: /^Without event.action/ }).first().click();
    assert.match(param(page, 'q'), /^app:YOUTUBE -action:/);
    await page.locator('tr[data-row="0"]').waitFor(WAIT);
    await page.locator('h1').evaluate((e) => (e.tabIndex = -1, e.focus()));
    await page.keyboard.press('j');
    await page.waitForTimeout(200);
    await page.keyboard.press('Enter');
    await page.getByText('All fields').waitFor(WAIT);
    assert.ok(param(page, 'row'));
    await page.locator('.raw', { hasText: /<\d+>/ }).waitFor(WAIT);
    await page.getByRole('button', { name: /^Context ±50/ }).click();
    await page.getByText('50 rows before and after').waitFor(WAIT);
    await page.locator('tr.marked').waitFor(WAIT);
    await page.keyboard.press('Escape');
    assert.equal(param(page, 'near'), null);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys and filter words' }).waitFor(WAIT);
    await page.keyboard.press('Escape');
});

test('many rows: only those in sight are drawn, and more come', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/analytics/logs?last=24h');
    await page.locator('tr[data-row="0"]').waitFor(WAIT);
    const scroll = page.getByRole('region', { name: 'Log rows, newest first' });
    for (let i = 0; i < 6; i++) {
        await scroll.evaluate((e) => e.scrollTo(0, e.scrollHeight));
        await page.waitForTimeout(250);
    }
    assert.ok(await page.locator('tr[data-row]').count() < 80);
    assert.ok(Number(await page.locator('table.log').first().getAttribute('aria-rowcount')) > 401);
    await scroll.evaluate((e) => e.scrollTo(0, 0));
    const before = await page.locator('tr[data-row="2"]').innerText();
    await page.waitForTimeout(2500); // new lines come all the time
    await page.locator('tr[data-row="2"] .tw').click();
    await page.getByText('All fields').waitFor(WAIT);
    await page.waitForTimeout(1000);
    assert.equal(await page.locator('tr[data-row="2"].on').innerText(), before, 'opening a row moves none');
});

test('live tail: rows come, scrolling holds them, what waits is counted', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/analytics/logs?last=1h&tail=1');
    const live = page.getByRole('region', { name: 'Live rows' });
    await page.waitForFunction(() => document.querySelectorAll('.tail tbody tr').length > 12, null, { timeout: 40_000 });
    await live.evaluate((e) => e.scrollTo(0, 60));
    await page.getByText(/Paused at .* you scrolled/).waitFor(WAIT);
    const held = await live.locator('tbody').innerText();
    await page.getByRole('button', { name: /^Show \d+ new$/ }).waitFor({ timeout: 30_000 });
    assert.equal(await live.locator('tbody').innerText(), held, 'nothing moved while it was read');
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor(WAIT);
});

test('a view is saved with a schedule, runs, and goes', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/analytics/logs?last=1h&q=action%3Adenied');
    await page.locator('.cost', { hasText: 'Complete' }).waitFor(WAIT);
    await page.getByRole('button', { name: 'Save view' }).click();
    const name = `Denied ${Date.now()}`;
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByLabel('Run it on a schedule').check();
    await dialog.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('A number, such as 100.').waitFor(WAIT);
    await dialog.getByLabel('Limit').fill('1000000');
    await dialog.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('it raises an alarm').waitFor(WAIT);
    await page.getByRole('link', { name: 'Saved searches' }).click();
    const row = page.locator('tr', { hasText: name });
    await row.getByRole('button', { name: 'Run' }).click();
    await row.getByText(/\d/).first().waitFor(WAIT);
    await row.getByRole('link', { name }).click();
    await page.waitForURL(/q=action/, WAIT);
    await page.goBack();
    await row.getByRole('button', { name: `Remove ${name}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
    await row.waitFor({ state: 'detached', ...WAIT });
});

test('an alarm is acknowledged, assigned, muted with a reason, and heard again', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/overview');
    const panel = page.locator('#alarms');
    await panel.locator('h2').waitFor(WAIT);
    const raised = await page.evaluate(async () => {
        const csrf = (await (await fetch('/api/v1/session')).json()).csrf;
        const post = (path, body) => fetch(`/api/v1/tenants/demo/searches${path}`, {
            method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf }, body: JSON.stringify(body)
        });
        const search = { name: 'Any line', view: 'logs', metric: 'rows', every_minutes: 5, op: '>', threshold: 0, severity: 'major', enabled: true };
        const made = await (await post('', search)).json();
        return (await post(`/${made.id}/run`, {})).status;
    });
    assert.equal(raised, 200);
    await panel.locator('tbody .tw').first().waitFor(WAIT); // by the stream of alarms, without a reload
    const unmute = panel.getByRole('button', { name: 'Unmute' }).first();
    if (await unmute.count() > 0)
        await unmute.click();
    await panel.getByRole('button', { name: 'Mute…' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Mute', exact: true }).click();
    await dialog.getByText('Say why it is muted').waitFor(WAIT);
    await dialog.getByLabel('Reason').fill('maintenance window');
    await dialog.getByRole('button', { name: 'Mute', exact: true }).click();
    await panel.getByText(/Muted until .*maintenance window/).first().waitFor(WAIT);
    await unmute.click();
    await panel.getByText(/Muted until/).first().waitFor({ state: 'detached', ...WAIT });
    const acknowledge = panel.getByRole('button', { name: 'Acknowledge' }).first();
    if (await acknowledge.count() > 0) {
        await acknowledge.click();
        await panel.getByText('Acknowledged.').first().waitFor(WAIT);
    }
    await panel.getByRole('button', { name: /^Assign/ }).first().click();
    assert.match(await dialog.getByLabel('Owner').locator('option').first().innerText(), /^Me, ana$/);
    await dialog.getByLabel('Owner').selectOption({ label: 'Somebody else…' });
    await dialog.getByLabel('Login name').fill('nobody-knows');
    await dialog.getByRole('button', { name: 'Assign', exact: true }).click();
    await dialog.getByText(/there is no user 'nobody-knows' here/i).waitFor(WAIT);
    await dialog.getByLabel('Owner').selectOption({ label: 'Nobody' });
    await dialog.getByRole('button', { name: 'Assign', exact: true }).click();
    await page.getByText('The alarm has no owner now.').waitFor(WAIT);
});

test('an alarm at the side: what to do, its history, closed by the keyboard, shared by its address', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/overview');
    const panel = page.locator('#alarms');
    await panel.locator('tbody .tw').first().waitFor(WAIT);
    const details = panel.getByRole('button', { name: 'History' }).first();
    await details.focus();
    await page.keyboard.press('Enter');
    const side = page.locator('aside.drawer');
    await side.getByRole('heading', { name: 'What to do' }).waitFor(WAIT);
    await side.getByText(/^Raised, /).last().waitFor(WAIT);
    assert.ok(await side.locator('.steps li').count() > 2, 'each step is there');
    assert.ok(param(page, 'alarm'));
    await clean(page, 'an alarm at the side');
    await page.keyboard.press('Escape');
    await side.waitFor({ state: 'detached', ...WAIT });
    assert.equal(param(page, 'alarm'), null);
    await page.goBack();
    await side.getByRole('heading', { name: 'What to do' }).waitFor(WAIT);
    for (const [theme, width] of [['dark', 1440], ['light', 390], ['dark', 390]]) {
        const other = await open(t, new URL(page.url()).pathname + new URL(page.url()).search, { theme, width });
        await other.locator('aside.drawer .steps li').first().waitFor(WAIT);
        await clean(other, `an alarm at the side, ${theme} ${width}`);
    }
});

test('the period of the overview is that of its figures, and they lead to their lines', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/overview');
    const strip = page.locator('.keyfig');
    await strip.getByText('in 24 h').first().waitFor(WAIT);
    await page.getByRole('group', { name: 'Period' }).getByRole('button', { name: '1 h' }).click();
    await strip.getByText(/in 1.h/).first().waitFor(WAIT);
    const told = Number((await strip.locator('dd.n a').nth(1).innerText()).replace(/\D/g, ''));
    assert.ok(told > 0);
    await strip.locator('dd.n a').nth(1).click();
    await page.waitForURL(/\/analytics\/logs\?.*last=1h/, WAIT);
    await page.locator('.cost', { hasText: 'Complete' }).waitFor(WAIT);
    const found = Number((await page.locator('.cost b').first().innerText()).replace(/\D/g, ''));
    assert.ok(found >= told && found < told * 1.5 + 500, `${found} lines behind ${told}`);
    await page.goto(`${server.base}/overview`);
    await page.getByText('Nothing a week before to compare with.').waitFor(WAIT); // the demonstration of the test is of one day
});

test('Ctrl K: pages, periods, saved searches', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/overview');
    await page.locator('.keyfig').waitFor(WAIT);
    const run = async (text, option) => {
        await page.keyboard.press('Control+k');
        await page.getByRole('combobox', { name: 'Search or run' }).waitFor(WAIT);
        await page.keyboard.type(text);
        await page.getByRole('option', { name: option }).first().waitFor(WAIT);
        await page.keyboard.press('Enter');
    };
    await run('run any line', /Any line Run saved search/); // those come while the box is open
    await page.getByText(/^Any line: [\d\s]+\.$/).waitFor(WAIT);
    await run('last 7', 'Last 7 days Period');
    assert.equal(param(page, 'last'), '7d');
    await run('websites', 'Analytics: Websites');
    await page.waitForURL(/\/analytics\/websites/, WAIT);
    await run('open any line', /Any line Open saved search/);
    await page.waitForURL(/\/analytics\/logs/, WAIT);
});
