// Administration: tenant, site, device, certificate with a key made in the page, its first line, users, roles, tokens, purge.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { after, before, test } from 'node:test';
import { Server, axe, launch, open, signIn, sleep, tooWide, until } from './server.mjs';

let server, browser, page;
const files = {};
const fine = async (of = page) => {
    assert.deepEqual(await axe(of), [], of.url());
    assert.equal(await tooWide(of), false, `nothing is wider than the window at ${of.url()}`);
};
const at = (path) => page.goto(server.base + path);
const button = (name, within = page) => within.getByRole('button', { name, exact: true });
const dialog = () => page.getByRole('dialog');
const told = (text) => page.getByText(text).first().waitFor();

before(async () => {
    server = await Server.start();
    browser = await launch();
    const root = server.user('root', 'operator-admin');
    page = await open(browser, server, { permissions: ['clipboard-read', 'clipboard-write'] });
    await signIn(page, server, 'root', root.password, { at: '/admin/tenants' });
});
after(async () => {
    await browser?.close();
    await server?.stop();
});

test('a tenant: a mistake gets a sentence at its field, then it is there', async () => {
    await told('No tenant yet');
    await fine();
    await button('Add the first tenant').click();
    await dialog().getByLabel('Short name').fill('Not A Slug!');
    await button('Add', dialog()).click();
    await dialog().locator('[aria-invalid=true], [role=alert]').first().waitFor();
    await fine();
    await dialog().getByLabel('Short name').fill('nordwind');
    await dialog().getByLabel('Name', { exact: true }).fill('Nordwind Retail');
    await dialog().getByLabel('Days to keep logs').fill('14');
    await dialog().getByLabel('Quota').fill('50 GB');
    await button('Add', dialog()).click();
    await page.getByRole('row', { name: /nordwind/ }).waitFor();
    await page.getByRole('row', { name: /nordwind/ }).click();
    await page.getByRole('complementary', { name: 'Nordwind Retail' }).waitFor();
    assert.match(page.url(), /pick=nordwind/);
    await fine();
    await page.keyboard.press('Escape');
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-id')), 'nordwind', 'the focus is back in the list');
});

test('a site and a device', async () => {
    await at('/admin/sites');
    await button('Add the first site').click();
    await dialog().getByLabel('Short name').fill('berlin');
    await dialog().getByLabel('Name', { exact: true }).fill('Berlin');
    await button('Save', dialog()).click();
    await page.getByRole('row', { name: /Berlin/ }).waitFor();
    await at('/admin/devices');
    await button('Add the first device').click();
    await dialog().getByLabel('Short name').fill('ber-srx-01');
    await button('Add', dialog()).click();
    await page.getByRole('complementary', { name: 'ber-srx-01' }).waitFor();
    await told('No certificate');
    await fine();
});

test('a certificate whose key never leaves the page', async () => {
    const sent = [];
    page.on('request', (request) => sent.push(request.postData() ?? ''));
    await button('Issue', page.getByRole('complementary')).click();
    await button('Issue', dialog()).click();
    await button('ber-srx-01.key', dialog()).waitFor();
    await fine();
    assert.equal(await button('Save the key first', dialog()).isDisabled(), true);
    await page.keyboard.press('Escape');
    assert.equal(await dialog().isVisible(), true, 'it does not close before the key is saved');
    for (const name of ['ber-srx-01.key', 'ber-srx-01.pem', 'fairlead-ca.pem']) {
        const [saved] = await Promise.all([page.waitForEvent('download'), button(name, dialog()).click()]);
        files[name] = readFileSync(await saved.path(), 'utf8');
        writeFileSync(join(server.home, name), files[name], { mode: 0o600 });
    }
    assert.match(files['ber-srx-01.key'], /BEGIN PRIVATE KEY/);
    assert.ok(sent.some((body) => body.includes('BEGIN CERTIFICATE REQUEST')), 'the request went out');
    assert.ok(!sent.some((body) => body.includes('PRIVATE KEY')), 'the key did not');
    await button('Done', dialog()).click();
    await dialog().waitFor({ state: 'detached' }).catch(() => {});
});

const send = (text) => new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: server.tlsPort, key: files['ber-srx-01.key'], cert: files['ber-srx-01.pem'], ca: files['fairlead-ca.pem'] }, () => {
        socket.write(`${Buffer.byteLength(text)} ${text}`);
        setTimeout(() => socket.end(resolve), 300);
    });
    socket.on('error', reject);
});

test('onboarding: lines for each kind, and the wait for the first line', async () => {
    await at('/admin/onboarding?device=ber-srx-01');
    for (const kind of ['Junos', 'FortiGate', 'Palo Alto', 'CEF', 'Other syslog/TLS', 'Linux rsyslog']) {
        await button(kind).click();
        assert.match(await page.locator('pre').first().innerText(), /127\.0\.0\.1/, kind);
        await fine();
    }
    await page.getByLabel('This server, as the device reaches it').fill('logs.nordwind.example');
    assert.match(await page.locator('pre').first().innerText(), /logs\.nordwind\.example/);
    await page.getByRole('button', { name: /^Copy \d+ lines$/ }).click();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /omfwd[^]*logs\.nordwind\.example/);
    await button('Wait for the first line').click();
    await told(/waiting since/);
    await send(`<14>1 ${new Date().toISOString()} ber-srx-01 test - - - the first line`);
    await told('It sends');
    await fine();
});

test('the device sends, and revoking its certificate shuts it out', async () => {
    await at('/admin/devices?pick=ber-srx-01');
    await page.getByRole('complementary').getByText(/^1(,|$)|1, show them/).first().waitFor();
    await page.getByRole('button', { name: 'Revoke…' }).click();
    assert.equal(await button('Revoke it', dialog()).isDisabled(), true);
    await dialog().getByLabel(/Type ber-srx-01/).fill('ber-srx-01');
    await fine();
    await button('Revoke it', dialog()).click();
    await told('No certificate');
    await assert.rejects(async () => {
        await send('<14>1 - - - - - - again');
        throw new Error('refused, but TLS 1.3 tells the client late');
    });
});

test('a user: the temporary password is shown once and works once', async () => {
    await at('/admin/users?of=tenant');
    await button('Add the first user').click();
    await dialog().getByLabel('User name').fill('c.rossi');
    await dialog().getByLabel('Name', { exact: true }).fill('Carla Rossi');
    await dialog().getByLabel('tenant-admin').check();
    await dialog().getByLabel(/second factor is required/).uncheck();
    await fine();
    await button('Add', dialog()).click();
    const once = page.getByRole('dialog', { name: /The password of/ });
    await once.waitFor();
    await fine();
    const password = await once.locator('code').innerText();
    const name = (await once.getByRole('heading').innerText()).replace('The password of ', '');
    await button('I have kept it').click();
    await page.getByRole('row', { name: /c\.rossi/ }).waitFor();
    assert.ok(!(await page.content()).includes(password), 'it is gone from the page');

    const theirs = await open(browser, server);
    await signIn(theirs, server, name, password, { at: '/admin/grants' });
    await theirs.getByRole('heading', { name: 'Admin: Grants' }).waitFor();
    await fine(theirs);
    assert.equal(await theirs.getByRole('link', { name: 'System' }).count(), 0, 'the operator’s pages are not theirs');
    await theirs.getByRole('button', { name: 'End…' }).first().click();
    await theirs.getByRole('dialog').getByRole('button', { name: 'End it' }).click();
    await theirs.getByText('The grant has ended').waitFor();
    await at('/admin/sites');
    await page.getByRole('alert').waitFor(); // the operator is shut out
    await theirs.goto(`${server.base}/admin/grants`);
    await theirs.getByRole('button', { name: 'Give a grant' }).first().click();
    await theirs.getByRole('dialog').getByLabel('Kind').selectOption('network');
    await theirs.getByRole('dialog').getByLabel('Why').fill('runs our network');
    await theirs.getByRole('button', { name: 'Open it' }).click();
    await theirs.getByText('The grant is open').waitFor();
    await at('/admin/sites');
    await page.getByRole('row', { name: /Berlin/ }).waitFor();
    assert.deepEqual(theirs.faults, []);
    await theirs.context().close();
});

test('a role of one’s own, and a token with it', async () => {
    await at('/admin/roles?pick=auditor');
    await button('New role like this').click();
    await page.getByLabel('Name', { exact: true }).fill('night-watch');
    await page.getByRole('checkbox', { name: 'read alarms' }).check();
    await button('Save the role').click();
    await told(/night-watch is saved/);
    await fine();
    await at('/admin/tokens');
    await button('Make the first token').click();
    await dialog().getByLabel('What it is for').fill('monitoring');
    await dialog().getByLabel('auditor').check();
    await button('Make it', dialog()).click();
    const token = await page.getByRole('dialog', { name: 'The token' }).locator('code').innerText();
    assert.match(token, /^flt_/);
    await button('I have kept it').click();
    await page.getByRole('row', { name: /monitoring/ }).waitFor();
    await fine();
});

test('a purge is counted before it is done, and needs the name', async () => {
    const password = server.user('nordwind/p.officer', 'privacy-officer');
    const theirs = await open(browser, server);
    await signIn(theirs, server, password.sign_in ?? 'p.officer@nordwind', password.password, { at: '/admin/retention' });
    const today = new Date().toISOString().slice(0, 10);
    await theirs.getByLabel('To day (UTC)').fill(today);
    await theirs.getByRole('button', { name: /^Count what/ }).click();
    await theirs.getByText(/would be destroyed/).waitFor();
    await fine(theirs);
    await theirs.getByRole('button', { name: 'Destroy them…' }).click();
    const confirm = theirs.getByRole('dialog');
    assert.equal(await confirm.getByRole('button', { name: 'Destroy them', exact: true }).isDisabled(), true);
    await confirm.getByLabel(/Type nordwind/).fill('nordwind');
    await confirm.getByRole('button', { name: 'Destroy them', exact: true }).click();
    await theirs.getByText('Destroyed:', { exact: true }).waitFor();
    await theirs.context().close();
});

test('the palette goes places by keyboard and gives the focus back', async () => {
    await at('/admin/system');
    await page.getByRole('heading', { name: /Fairlead/ }).first().waitFor();
    await button('Search or run Ctrl K').focus();
    await page.keyboard.press('Control+k');
    await fine();
    await page.keyboard.press('Escape');
    assert.match(await page.evaluate(() => document.activeElement?.textContent ?? ''), /Search/);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('audit');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Admin: Audit log' }).waitFor();
});

test('the API reference is served by this server alone, without a fault', async () => {
    const reader = await open(browser, server);
    await reader.goto(`${server.base}/docs/`);
    await reader.getByText('/api/v1/session', { exact: true }).first().waitFor();
    assert.deepEqual(reader.faults, []);
    await reader.context().close();
});

const weight = (of) => of.evaluate(() => performance.getEntries().filter((e) => e.entryType === 'navigation' || e.entryType === 'resource')
    .filter((e) => !e.name.includes('/api/')).reduce((sum, e) => sum + e.encodedBodySize, 0));

test('the first load stays light on the wire: the sign-in, and the Overview with its map and fonts', async () => {
    const stranger = await open(browser, server);
    await stranger.goto(server.base);
    await stranger.getByRole('form', { name: 'Sign in' }).waitFor();
    await stranger.waitForLoadState('networkidle');
    const door = await weight(stranger);
    assert.ok(door > 10_000 && door <= 150 * 1024, `${door} bytes`);
    await stranger.context().close();

    const fresh = await open(browser, server, { storageState: await page.context().storageState() });
    await fresh.goto(`${server.base}/overview`);
    const names = () => fresh.evaluate(() => performance.getEntriesByType('resource').map((e) => e.name).join(' '));
    await until(async () => /countries.*json/.test(await names()) && fresh.evaluate(() => document.fonts.status === 'loaded'), 'the map and the fonts are there');
    await sleep(500); // an entry is written when its body has ended
    const overview = await weight(fresh);
    assert.ok(overview > door && overview <= 150 * 1024, `${overview} bytes`);
    await fresh.context().close();
});

for (const colorScheme of ['light', 'dark']) {
    for (const width of [1440, 390]) {
        test(`every page of Admin at ${width} pixels, ${colorScheme}`, async () => {
            await page.emulateMedia({ colorScheme });
            await page.setViewportSize({ width, height: 844 });
            for (const path of ['tenants?pick=nordwind', 'users', 'roles', 'tokens', 'grants', 'sites', 'devices?pick=ber-srx-01', 'onboarding', 'retention', 'erasure', 'audit?pick=1', 'system']) {
                await at(`/admin/${path}`);
                await page.getByRole('heading', { level: 1 }).waitFor();
                await page.locator('.skeleton').first().waitFor({ state: 'detached' }).catch(() => {});
                await fine();
            }
            await at('/profile');
            await page.getByRole('heading', { level: 1 }).waitFor();
            await page.locator('.skeleton').first().waitFor({ state: 'detached' }).catch(() => {});
            await fine();
            assert.deepEqual(page.faults, []);
        });
    }
}
