// Drills: planned on the screen, started on today's network, an inject sent, answered by a participant who sees no more than
// what is out, judged, ended; the score is added up here again from the answers that the API hands out.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PASSWORD, Server, axe, launch, open as openPage, signIn, tooWide } from './server.mjs';

const top = join(dirname(fileURLToPath(import.meta.url)), '../..');
const WAIT = { timeout: 30_000 };
const FACTOR = { in_time: 1, late: 0.5, very_late: 0.25, missing: 0 };
const GRADE = { good: 1, weak: 0.5, wrong: 0 };
let server, browser;
const states = {};

async function enter(name, role) {
    const user = server.user(`corvane/${name}`, role);
    const page = await openPage(browser, server);
    await signIn(page, server, user.sign_in, user.password, { fresh: PASSWORD, at: '/supply/drills' });
    states[name] = await page.context().storageState();
    await page.context().close();
}

before(async () => {
    server = await Server.start();
    server.run('tenant', 'add', 'corvane', '--name', 'Corvane Networks');
    browser = await launch();
    await enter('ida', 'supply-manager');
    await enter('vera', 'viewer');
}, { timeout: 90_000 });

after(async () => {
    await browser?.close();
    await server?.stop();
});

async function open(t, path, who = 'ida') {
    const page = await openPage(browser, server, { storageState: states[who], timezoneId: 'Europe/Berlin' });
    await page.goto(server.base + path);
    t.after(async () => {
        await page.context().close();
        assert.deepEqual(page.faults, []);
    });
    return page;
}

/* In both themes, wide and narrow, without leaving the page. */
async function looks(page, what) {
    for (const [theme, width] of [['light', 1440], ['dark', 1440], ['dark', 390], ['light', 390]]) {
        await page.setViewportSize({ width, height: 900 });
        await page.evaluate((t) => { document.documentElement.dataset.theme = t; }, theme);
        await page.waitForTimeout(200);
        if (process.env.FAIRLEAD_SHOTS) await page.screenshot({ path: join(process.env.FAIRLEAD_SHOTS, `${what.replaceAll(' ', '-')}-${theme}-${width}.png`), fullPage: true });
        assert.deepEqual(await axe(page), [], `${what} ${theme} ${width}`);
        assert.equal(await tooWide(page), false, `${what} ${theme} ${width} is wider than the window`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
}

const api = (page, path) => page.evaluate(async (p) => (await fetch(`/api/v1/tenants/corvane${p}`)).json(), path);
const button = (page, name) => page.getByRole('button', { name, exact: true });

test('without a drill the page says what to do', async (t) => {
    const page = await open(t, '/supply/drills');
    await page.getByText('No drill yet').waitFor();
    await looks(page, 'no drills');
});

test('without a network it says what is missing', async (t) => {
    const page = await open(t, '/supply/drills');
    await button(page, 'Plan the first drill').click();
    await page.getByLabel('Strength').fill('99');
    await button(page, 'Plan it').click();
    await page.getByRole('dialog').getByText('scale is').waitFor();
    await page.getByLabel('Strength').fill('1');
    await page.getByLabel('Participants').fill('vera, lead\nJ. Castellan, sourcing\nA. Mertz, planning');
    await page.getByLabel('Seed').fill('20261119');
    await looks(page, 'new drill');
    await button(page, 'Plan it').click();
    await page.getByRole('region', { name: 'Exercise' }).waitFor();
    await button(page, 'Start').click();
    await page.getByText('no network of supply').first().waitFor();
});

test('a drill from start to end', { timeout: 180_000 }, async (t) => {
    server.run('tenant', 'set', 'corvane', '--local-access', '8h');
    server.run('supply', 'import', join(top, 'data/sample-network'), '--tenant', 'corvane');
    const page = await open(t, '/supply/drills/1');
    await button(page, 'Start').click();
    await button(page, 'Pause').waitFor(WAIT);
    assert.match(await page.getByRole('timer').textContent(), /^00:0\d:\d\d$/);
    await page.getByText('today’s stock').first().waitFor();

    const other = await open(t, '/supply/drills/1', 'vera');
    await other.getByText('not out yet').first().waitFor();
    assert.equal(await other.getByText('The first alert').count(), 0, 'nothing is told before its minute');
    assert.equal(await button(other, 'Pause').count(), 0, 'a participant does not run it');

    await button(page, 'Send next inject now').click();
    await button(page, 'Send next inject now').click();
    await button(other, 'The magnitude is corrected').waitFor(WAIT);
    await button(other, 'The magnitude is corrected').click();
    await other.getByLabel('Answer, timed').fill('Severe; ida owns the case.');
    await button(other, 'Answer').click();
    await other.getByText('Severe; ida owns the case.').waitFor();

    await page.reload();
    await button(page, 'The magnitude is corrected').click();
    await page.getByText('Severe; ida owns the case.').waitFor();
    await button(page, 'Weak').click();
    await page.getByText('judged weak').first().waitFor({ ...WAIT, state: 'attached' });
    await button(page, 'The first alert').click();
    await page.getByLabel('Answer of').selectOption({ label: 'A. Mertz' });
    await page.getByLabel('Answer, timed').fill('Sendai, Kitakami, Ishinomaki.');
    await button(page, 'Answer').click();
    await page.getByText('Sendai, Kitakami, Ishinomaki.').waitFor();
    await looks(page, 'drill that runs');

    await button(page, 'Pause').click();
    await button(page, 'Go on').waitFor();
    const before = (await api(page, '/drills/1')).clock_s;
    await page.waitForTimeout(1500);
    assert.equal((await api(page, '/drills/1')).clock_s, before, 'the clock stands');
    await button(page, 'Go on').click();
    await button(page, 'End drill…').click();
    await button(page, 'End the drill').click();
    await button(page, 'Print the report').waitFor();

    const d = await api(page, '/drills/1/report');
    const worth = (a) => { const area = d.injects.find((i) => i.number === a.inject).area; const all = d.answers.filter((b) => b.state !== 'not_counted' && d.injects.find((i) => i.number === b.inject).area === area); return { detect: 20, decide: 30, ask: 20, tell: 15, record: 15 }[area] / all.length; };
    const counted = d.answers.filter((a) => a.state !== 'not_counted');
    const earned = counted.reduce((sum, a) => sum + worth(a) * FACTOR[a.state] * (a.grade ? GRADE[a.grade] : 1), 0);
    assert.ok(Math.abs(100 * earned / d.score.tested - d.score.points) < 1e-9, 'the points follow from the answers');
    assert.ok(d.cost.today.p95 > d.cost.more.p95 && d.cost.more.p95 >= 0, 'more stock costs less');

    await button(page, 'Raise actions').click();
    await page.getByRole('checkbox', { name: /judged weak/ }).check();
    await page.getByText('done', { exact: true }).first().waitFor();
    await looks(page, 'drill that has ended');
    const risks = await api(page, '/risks?state=all');
    assert.equal(risks.total, 0, 'nothing of it is an event of the world');
    const one = await api(page, `/cases/${d.case}`);
    assert.equal(one.exercise, true);
});

test('a drawn area, the list, and what is gone', async (t) => {
    const page = await open(t, '/supply/drills');
    await page.getByRole('row', { name: /D-001/ }).waitFor();
    await looks(page, 'list of drills');
    await button(page, 'New drill').click();
    await button(page, 'An area').click();
    await page.getByLabel('Corners').fill('37,139 37');
    await button(page, 'Plan it').click();
    await page.getByText('Three corners at least').waitFor();
    await page.getByLabel('Corners').fill('37,139 37,142 40,142 40,139');
    await page.getByLabel('Title', { exact: true }).fill('Three prefectures dark');
    await button(page, 'Plan it').click();
    await button(page, 'What would it cost?').click();
    await page.getByText('14 days more').first().waitFor(WAIT);
    await looks(page, 'drill that is planned');
    await button(page, 'Remove…').click();
    await button(page, 'Remove it').click();
    await page.getByRole('row', { name: /D-001/ }).waitFor();
    assert.equal(await page.getByRole('row', { name: /Three prefectures/ }).count(), 0);
    await page.goto(`${server.base}/supply/drills/99`);
    await page.getByText('The drill could not be loaded').waitFor();
});
