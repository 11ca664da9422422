// The network of supply: files with headings of their own come in, doubts are answered, rows changed and taken back; exposure
// and graph of what stands. The figure of exposure is calculated here again, from the rows that the page hands out.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { PASSWORD, Server, axe, launch, open as openPage, signIn, tooWide } from './server.mjs';

const WAIT = { timeout: 15_000 };
const SITES = 'WERK;LIFNR;WERKS_ORT;BREITE;LAENGE;LAND;WIEDERANLAUF_WOCHEN;KAPA_TAG;BEMERKUNG\n' +
    'W1;0001;Kitakami-shi;39,29;141,11;JP;8;;Vertrag bis 2028\nW2;0003;Icheon;37,27;-127,44;KR;6;900;\n' +
    'W3;0004;Chemnitz;50,83;12,92;DE;4;;\nW4;0003;Chennai;80,17;12,98;IN;5;;\n';
const FILES = {
    'suppliers.csv': 'LIFNR;NAME1;LAND\n0001;KITASAWA POWER K.K.;JP\n0002;Kitasawa Power Kabushiki Kaisha;JP\n0003;Minato Relay;JP\n0004;Isen Thermal GmbH;DE\n',
    'sites.csv': `${SITES}W5;0002;Yonezawa;37,91;140,11;JP;x;;\n`,
    'parts.csv': 'TEIL;BEZEICHNUNG;BESTAND\nP1;Power stage;120\nP2;Relay;9000\n',
    'part_sites.csv': 'TEIL;WERK;ANTEIL\nP1;W1;1\nP2;W2;0,6\nP2;W3;0,4\n',
    'products.csv': 'product_id,name,demand_per_day,profit_per_unit,revenue_per_unit,stock_units,currency\nTX-1,Tern 60,10,20,90,50,EUR\nTX-2,Heron 400,4,100,500,40,EUR\n',
    'bom.csv': 'parent_id,part_id,quantity\nTX-1,P1,2\nTX-2,P2,1\n'
};
const MAP = { 'parts.csv': { TEIL: 'part_id', BEZEICHNUNG: 'name', BESTAND: 'stock_units' }, 'part_sites.csv': { TEIL: 'part_id', WERK: 'site_id', ANTEIL: 'share' } };
let server, browser, state;

before(async () => {
    server = await Server.start();
    server.run('tenant', 'add', 'corvane', '--name', 'Corvane Networks');
    const user = server.user('corvane/ida', 'supply-manager');
    browser = await launch();
    const page = await openPage(browser, server);
    await signIn(page, server, user.sign_in, user.password, { fresh: PASSWORD, at: '/supply/import' });
    state = await page.context().storageState();
    await page.context().close();
}, { timeout: 60_000 });

after(async () => {
    await browser?.close();
    await server?.stop();
});

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

const file = (name, text) => ({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
const choose = (page, files) => page.locator('input[type=file]').first().setInputFiles(files);
const steps = (page) => page.getByRole('list', { name: 'Steps' });

/* In both themes, wide and narrow, without leaving the page. */
async function looks(page, what) {
    for (const [theme, width] of [['light', 1440], ['dark', 1440], ['dark', 390], ['light', 390]]) {
        await page.setViewportSize({ width, height: 900 });
        await page.evaluate((t) => { document.documentElement.dataset.theme = t; }, theme);
        // The colours of both themes are far apart: looked at only when the new ones are drawn.
        await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
        await page.waitForTimeout(700);
        await clean(page, `${what} ${theme} ${width}`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
}

async function map(page) {
    for (const [name, columns] of Object.entries(MAP)) {
        await page.getByRole('group', { name: 'File' }).getByRole('button', { name: new RegExp(`^${name.replace('.csv', '')} `) }).click();
        for (const [theirs, ours] of Object.entries(columns)) await page.getByLabel(`Field for ${theirs}`).selectOption(ours);
    }
}

test('nothing yet: each page says what to do', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/supply/import');
    await page.getByText('Drop files here').waitFor(WAIT);
    await looks(page, 'import, empty');
    for (const path of ['/supply/exposure', '/supply/graph', '/supply/import?view=stands']) {
        await page.goto(server.base + path);
        await page.getByText('No network of supply yet').waitFor(WAIT);
        await clean(page, path);
    }
    await page.goto(`${server.base}/supply/import`);
    await choose(page, [{ name: 'network.xlsx', mimeType: 'application/octet-stream', buffer: Buffer.from('PK') }]);
    await page.getByRole('alert').getByText('Save a spreadsheet as CSV').waitFor(WAIT);
});

test('files with own headings: a wrong row stops them, columns are told, doubts answered, all applied', { timeout: 120_000 }, async (t) => {
    const page = await open(t, '/supply/import');
    await choose(page, Object.entries(FILES).map(([name, text]) => file(name, text)));
    const apply = page.getByRole('button', { name: /^Apply/ });
    await apply.waitFor(WAIT);
    assert.equal(await apply.isDisabled(), true);
    const wrong = page.getByRole('row').filter({ hasText: 'is not a number' });
    assert.match((await wrong.innerText()).replace(/\s+/g, ' '), /Error sites.csv 6 WIEDERANLAUF_WOCHEN x/);
    assert.equal(await page.getByLabel('Factor for WIEDERANLAUF_WOCHEN').inputValue(), '7');
    await looks(page, 'dry run');

    // All of what is wrong leaves as a file.
    const [csv] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /as CSV$/ }).click()]);
    assert.match(readFileSync(await csv.path(), 'utf8'), /^kind,file,line,column,value,what is wrong,fix\r\n[^]*error,sites.csv,6,WIEDERANLAUF_WOCHEN,x,/);

    // The corrected file takes the place of the wrong one; what the columns are is said by the keyboard, too.
    await page.getByLabel('Add a file').setInputFiles([file('sites.csv', `${SITES}W5;0002;Yonezawa;37,91;140,11;JP;3;;\n`)]);
    await wrong.waitFor({ state: 'detached' });
    await map(page);
    assert.equal(await apply.isDisabled(), true);
    await page.getByRole('group', { name: /KITASAWA/ }).getByRole('button', { name: 'Merge' }).press('Enter');
    await page.getByRole('button', { name: /^Use \+127.44/ }).press('Enter');
    await page.getByRole('button', { name: /^Swap/ }).press('Enter');
    await page.getByRole('button', { name: /^Check again/ }).click();
    await page.getByText('Nothing to decide').waitFor(WAIT);
    await steps(page).getByText('0 errors').waitFor(WAIT);
    await apply.click();
    await page.getByText(/Applied as change 1: 18 new/).waitFor(WAIT);
    await clean(page, 'applied');
});

test('the layout is remembered, and nothing is asked twice', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/supply/import');
    const list = Object.entries({ ...FILES, 'sites.csv': `${SITES}W5;0002;Yonezawa;37,91;140,11;JP;3;;\n` });
    await choose(page, list.map(([name, text]) => file(name, text)));
    await page.getByRole('button', { name: 'Apply', exact: true }).waitFor(WAIT);
    await page.getByText('Nothing to decide').waitFor(WAIT);
    await page.getByRole('group', { name: 'File' }).getByRole('button', { name: /^parts / }).click();
    assert.equal(await page.getByLabel('Field for TEIL').inputValue(), 'part_id');
    assert.equal(await page.getByLabel('Field for BESTAND').inputValue(), 'stock_units');
    await page.getByText(/Would write 0 rows: 0 new, 0 changed/).waitFor(WAIT);
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
    await page.getByText('Drop files here').waitFor(WAIT);
});

test('what stands: counts, decisions that can be reversed, exports', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/supply/import?view=stands');
    await page.getByRole('link', { name: '5 sites' }).waitFor(WAIT);
    const decisions = page.getByRole('region', { name: 'Decisions' });
    await decisions.getByText('0002 is 0001').waitFor(WAIT);
    await looks(page, 'what stands');
    const [omts] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Everything as OMTS' }).click()]);
    const graph = JSON.parse(readFileSync(await omts.path(), 'utf8'));
    assert.equal(graph.omts_version, '1.0.0');
    const [signed] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Signed, for sharing' }).click()]);
    const lines = readFileSync(await signed.path(), 'utf8').trim().split('\n').map((l) => JSON.parse(l));
    assert.match(JSON.stringify(lines.at(-1)), /signature/);
    await decisions.getByRole('button', { name: /^Reverse: 0002/ }).click();
    await decisions.getByText('reversed by').waitFor(WAIT);
});

test('a row is changed, its history says so, undo takes it back', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/supply/import?view=rows&table=sites');
    const row = page.locator('tr[data-id="W1"]');
    await row.waitFor(WAIT);
    await looks(page, 'rows');
    await row.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    const ttr = dialog.getByLabel(/^ttr_days/);
    await ttr.waitFor(WAIT);
    assert.equal(await ttr.inputValue(), '56');
    await clean(page, 'a row');
    await ttr.fill('many');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText(/is not a number/).waitFor(WAIT);
    await ttr.fill('70');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await row.getByText('70', { exact: true }).waitFor(WAIT);
    await row.click();
    await dialog.getByText('ttr_days: 56 → 70').waitFor(WAIT);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'What stands' }).click();
    await page.getByRole('button', { name: /^Undo change 2/ }).click();
    await page.getByText('undone by 3').waitFor(WAIT);
    await page.goto(`${server.base}/supply/import?view=rows&table=sites&at=2`);
    await page.locator('tr[data-id="W1"]').getByText('70', { exact: true }).waitFor(WAIT);
    await page.getByRole('button', { name: 'Today' }).click();
    await page.locator('tr[data-id="W1"]').getByText('56', { exact: true }).waitFor(WAIT);
});

function rowsOf(text) {
    const [head, ...lines] = text.trim().split('\r\n').map((l) => l.split(','));
    return lines.map((l) => Object.fromEntries(head.map((h, i) => [h, l[i]])));
}

test('exposure: the figure from its rows, the slider by keys', { timeout: 90_000 }, async (t) => {
    const page = await open(t, '/supply/exposure?pick=W1');
    await page.getByRole('heading', { name: /^How .* comes about/ }).waitFor(WAIT);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /^Download the/ }).click()]);
    const rows = rowsOf(readFileSync(await download.path(), 'utf8'));
    const find = (table, key) => rows.find((r) => r.table === table && r.key === key);
    const product = find('products', 'TX-1'), part = find('parts', 'P1'), use = find('bom', 'TX-1@P1'), site = find('sites', 'W1');
    // P1 comes from W1 alone: until it is back, TX-1 lives on its own stock and on what the parts in stock make.
    const lasts = Number(product.stock_units) + Number(part.stock_units) / Number(use.quantity);
    const lost = Math.max(0, Number(product.demand_per_day) * Number(site.ttr_days) - lasts) * Number(product.profit_per_unit);
    assert.equal(lost, 9000);
    const whole = page.locator('.how tfoot .num');
    assert.equal(Number((await whole.innerText()).replace(/[^\d.]/g, '')), lost);
    const line = await page.locator('.how tbody tr').filter({ hasText: 'Tern 60' }).innerText();
    assert.match(line.replace(/\s+/g, ' '), new RegExp(`${(lasts / Number(product.demand_per_day)).toFixed(1)}`));
    await looks(page, 'exposure');
    const slider = page.getByRole('slider', { name: 'Days down' });
    await slider.focus();
    await page.keyboard.press('Home');
    assert.equal(await page.locator('.ask output').innerText(), '1 day');
    await page.getByRole('button', { name: 'Per part and site' }).click();
    await page.getByLabel('Find a site').fill('P1');
    await page.getByRole('row').filter({ hasText: 'Kitakami' }).waitFor(WAIT);
    await clean(page, 'exposure per part and site');
});

test('graph: arrows move, Enter traces, the table says the same', { timeout: 60_000 }, async (t) => {
    const page = await open(t, '/supply/graph?fold=none');
    const node = page.getByRole('button', { name: /^product Tern 60/ });
    await node.waitFor(WAIT);
    await looks(page, 'graph');
    await node.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Tracing Power stage' }).waitFor(WAIT);
    const twin = page.getByRole('region', { name: 'Traced sources' });
    assert.match((await twin.innerText()).replace(/\s+/g, ' '), /Power stage Kitakami-shi KITASAWA POWER K.K. 100 % sole/);
    await page.keyboard.press('/');
    await page.keyboard.type('Minato');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Tracing Minato Relay' }).waitFor(WAIT);
});
