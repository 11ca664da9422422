// Scores: the table of each kind, one down to its rows, and a draft, on the sample network.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PASSWORD, Server, axe, launch, open as openPage, signIn, tooWide } from './server.mjs';

const sample = join(dirname(fileURLToPath(import.meta.url)), '../../data/sample-network');
const WAIT = { timeout: 20_000 };
let server, browser, state;

before(async () => {
    server = await Server.start();
    server.run('tenant', 'add', 'acme', '--name', 'Acme', '--demo');
    server.run('supply', 'import', sample, '--tenant', 'acme');
    server.run('tenant', 'add', 'bare', '--name', 'Bare', '--demo');
    const sam = server.user('acme/sam', 'tenant-admin');
    browser = await launch();
    const page = await openPage(browser, server);
    await signIn(page, server, sam.sign_in, sam.password, { fresh: PASSWORD, at: '/supply/scores' });
    state = await page.context().storageState();
    await page.context().close();
}, { timeout: 120_000 });

after(async () => {
    await browser?.close();
    await server?.stop();
});

async function open(t, path, { width = 1440, theme = 'light' } = {}) {
    const page = await openPage(browser, server, { storageState: state, viewport: { width, height: 900 } });
    await page.addInitScript((name) => localStorage.setItem('fairlead.theme', name), theme);
    await page.goto(server.base + path);
    t.after(async () => {
        await page.context().close();
        assert.deepEqual(page.faults, []);
    });
    return page;
}

async function shot(page, name) {
    if (process.env.FAIRLEAD_SHOTS) await page.screenshot({ path: join(process.env.FAIRLEAD_SHOTS, `${name}.png`) });
}

test('components, worst first; one opens to factors, rows and what would change it', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/supply/scores');
    const first = page.locator('tbody .pick, tbody tr').first();
    await first.waitFor(WAIT);
    await page.getByRole('tab', { name: 'Scores' }).or(page.getByRole('link', { name: 'Scores' })).first().waitFor();
    assert.match(await page.locator('.head').first().innerText(), /400 components, worst first/);
    await page.getByText('Secure element 105').first().click();
    const how = page.getByRole('complementary', { name: 'Secure element 105' });
    await how.getByText('What would change it most').waitFor(WAIT);
    await how.getByText('Sourcing', { exact: true }).click();
    await how.getByText('part_sites SEC-105@', { exact: false }).first().waitFor();
    await shot(page, 'scores-component');
    await page.keyboard.press('Escape');
    await how.waitFor({ state: 'detached' });
});

test('products lead to their worst components', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/supply/scores?kind=product');
    await page.getByText('Tessaly 050 home gateway').first().click(WAIT);
    const how = page.getByRole('complementary');
    await how.getByText(/Worst 5 of/).waitFor(WAIT);
    await shot(page, 'scores-product');
    await how.locator('.worst button').first().click();
    await page.getByRole('button', { name: 'Components', pressed: true }).waitFor(WAIT);
    await page.getByRole('complementary').getByText('Factors', { exact: true }).waitFor(WAIT);
});

test('a draft is scored from a file; a wrong line is named', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/supply/scores');
    await page.getByRole('button', { name: 'Score a draft…' }).click(WAIT);
    const dialog = page.getByRole('dialog', { name: 'Score a draft' });
    const file = (text) => ({ name: 'draft.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
    await dialog.getByLabel('Bill of material').setInputFiles(file('part,quantity\nSEC-105,none\n'));
    await dialog.getByText(/line 2, quantity/i).waitFor(WAIT);
    await dialog.getByLabel('Bill of material').setInputFiles(file(
        'parent,part,quantity,supplier,site,country,lifecycle,custody\nnew,SEC-105,1,,,,,\nnew,XX-1,2,hoshigaki,sendai,JP,last_buy,A\nnew,XX-2,1,,,,,\n'));
    await dialog.getByText('not known to the network').waitFor(WAIT);
    await dialog.getByText('end of life: last buy').waitFor();
    await dialog.getByText('custody class A').first().waitFor();
    const early = await dialog.locator('.big').innerText();
    await shot(page, 'scores-draft');
    assert.deepEqual(await axe(page), []);
    await dialog.getByLabel('Stage').selectOption('production');
    await page.waitForFunction((was) => document.querySelector('dialog .big')?.innerText !== was, early, WAIT);
    assert.ok(Number.parseFloat(await dialog.locator('.big').innerText()) < Number.parseFloat(early), 'a concept weighs more');
});

test('weights are set, and count', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/supply/scores?pick=SEC-105');
    const big = page.locator('.how .big');
    await big.waitFor(WAIT);
    const was = Number.parseFloat(await big.innerText());
    await page.getByRole('button', { name: 'Weights…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Weights of scores' });
    await dialog.getByLabel('sourcing').fill('0.9', WAIT);
    await shot(page, 'scores-weights');
    assert.deepEqual(await axe(page), []);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.reload();
    await big.waitFor(WAIT);
    assert.ok(Number.parseFloat(await big.innerText()) > was);
    await page.getByRole('button', { name: 'Weights…' }).click();
    await dialog.getByRole('button', { name: 'As preset' }).click();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'hidden' });
});

test('without a network the page says what to do next', { timeout: 60_000 }, async (t) => {
    const kim = server.user('bare/kim', 'tenant-admin');
    const page = await openPage(browser, server);
    t.after(() => page.context().close());
    await signIn(page, server, kim.sign_in, kim.password, { fresh: PASSWORD, at: '/supply/scores' });
    await page.getByText('No network of supply yet').waitFor(WAIT);
    assert.equal(await page.getByRole('button', { name: 'Score a draft…' }).isDisabled(), true);
    assert.deepEqual(await axe(page), []);
    await page.getByRole('link', { name: 'Import files' }).click();
    await page.waitForURL(/supply\/import/);
});

test('both themes and widths: no finding, nothing cut', { timeout: 120_000 }, async (t) => {
    for (const theme of ['light', 'dark'])
        for (const width of [1440, 390])
            await t.test(`${theme}, ${width}`, async (s) => {
                const page = await open(s, '/supply/scores?kind=site&pick=sendai', { theme, width });
                await page.getByRole('complementary').getByText('Factors', { exact: true }).waitFor(WAIT);
                await shot(page, `scores-${theme}-${width}`);
                assert.deepEqual(await axe(page), []);
                assert.equal(await tooWide(page), false);
            });
});
