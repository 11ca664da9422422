// shots.mjs FOLDER - pictures of the demonstration as tools/shots wants them.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { PASSWORD, Server, launch, open, program, signIn, until } from './server.mjs';

const folder = process.argv[2];
if (!folder) throw new Error('say where the pictures go');
const PAST = '9d';
const PAST_ROWS = 500_000;
const SETTLE_MS = 1500;
const TAIL_MS = 90_000;
const SUPPLY_MS = 120_000;
const CALM_MS = 120_000;
const CALM_RATE = 100; // lines a second: the past has been sent
const server = await Server.start();
const demo = spawn(program('fairlead'), ['demo', '--back-fill', PAST, '--to', `localhost:${server.tlsPort}`, '--out', join(server.home, 'demo')], {
    stdio: 'ignore', env: { ...process.env, FAIRLEAD_SERVER: join(server.home, 'data/run/fairlead.sock'), FAIRLEAD_HOME: server.home }
});
let browser;

/* A search that runs by itself and is over its limit: an alarm of the picture. */
async function denied(page) {
    return page.evaluate(async () => {
        const csrf = (await (await fetch('/api/v1/session')).json()).csrf;
        const post = (path, body) => fetch(`/api/v1/tenants/demo/searches${path}`, {
            method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf }, body: JSON.stringify(body)
        });
        const made = await (await post('', {
            name: 'Denied by policy, an hour', view: 'logs', where: 'action:denied', from: '1h', metric: 'rows', every_minutes: 5, op: '>', threshold: 50, severity: 'major', enabled: true
        })).json();
        return (await post(`/${made.id}/run`, {})).status;
    });
}

async function picture(page, name) {
    await page.waitForTimeout(SETTLE_MS);
    await page.screenshot({ path: join(folder, `${name}.png`) });
    console.log(name);
}

async function overview(page, name) {
    await page.goto(`${server.base}/overview`);
    await page.locator('.mults figure').first().waitFor();
    await page.locator('svg .mark').first().waitFor();
    await page.locator('#alarms tbody .tw').first().waitFor();
    await picture(page, name);
}

/* A piece of time is selected, and one application looked at closely. */
async function analytics(page) {
    await page.goto(`${server.base}/analytics/applications`);
    await page.locator('tbody th .pick').nth(1).click();
    await page.locator('aside .trio').waitFor();
    await page.waitForTimeout(SETTLE_MS);
    const box = await page.locator('.over').first().boundingBox();
    await page.mouse.move(box.x + box.width * 0.3, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.42, box.y + 40, { steps: 4 });
    await page.mouse.up();
    await page.mouse.move(box.x, box.y - 60);
    await picture(page, 'analytics');
}

async function logs(page) {
    await page.goto(`${server.base}/analytics/logs?q=${encodeURIComponent('app:(youtube,netflix,ms-teams) bytes>100k')}&tail=1`);
    await page.locator('tr[data-row="3"] .tw').click();
    await page.getByText('All fields').waitFor();
    await page.waitForFunction(() => document.querySelectorAll('.tail tbody tr').length > 6, null, { timeout: TAIL_MS });
    await picture(page, 'logs');
}

async function supply(page) {
    await page.goto(`${server.base}/supply/events`);
    await page.locator('article').nth(3).waitFor({ timeout: SUPPLY_MS });
    await page.locator('figure svg').nth(2).waitFor();
    await picture(page, 'supply');
}

try {
    const rows = () => JSON.parse(server.run('status', '--json')).tenants.find((t) => t.slug === 'demo')?.data?.rows ?? 0;
    await until(() => rows() > PAST_ROWS, 'the demonstration has sent its past', 300_000);
    const user = server.user('demo/m.weber', 'tenant-admin,analyst');
    browser = await launch();
    const page = await open(browser, server, { timezoneId: 'Europe/Berlin' });
    await signIn(page, server, user.sign_in, user.password, { fresh: PASSWORD, at: '/overview' });
    if (await denied(page) !== 200) throw new Error('the saved search did not run');
    await until(() => page.evaluate(async (most) => (await (await fetch('/api/v1/tenants/demo/overview')).json()).lines_per_s_now < most, CALM_RATE), 'the rate of the past has gone', CALM_MS);
    await overview(page, 'overview');
    await analytics(page);
    await logs(page);
    await supply(page);
    await page.evaluate(() => localStorage.setItem('fairlead.theme', 'dark'));
    await overview(page, 'overview-dark');
    if (page.faults.length > 0) throw new Error(page.faults.join('\n'));
} finally {
    await browser?.close();
    demo.kill('SIGTERM');
    await server.stop();
}
