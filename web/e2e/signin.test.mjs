// Signing in: a wrong password, the forced change, the second factor, recovery codes, signing out, coming back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PASSWORD, Server, axe, launch, open, signIn, tooWide, totp } from './server.mjs';

let server, browser, root, secret;

before(async () => {
    server = await Server.start();
    browser = await launch();
    root = server.user('root', 'operator-admin');
});
after(async () => {
    await browser?.close();
    await server?.stop();
});

const fine = async (page) => {
    assert.deepEqual(await axe(page), []);
    assert.equal(await tooWide(page), false, 'nothing is wider than the window');
};

test('the first sign-in goes through all steps, by keyboard alone', async () => {
    const page = await open(browser, server);
    await page.goto(`${server.base}/admin/users?tenant=&sort=-name`);
    await page.getByRole('form', { name: 'Sign in' }).waitFor();
    await fine(page);
    await page.getByLabel('User name or e-mail').focus();
    await page.keyboard.type('root');
    await page.keyboard.press('Tab');
    await page.keyboard.type('wrong-Password-1');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    assert.match(await page.getByRole('alert').innerText(), /\w.*\./, 'a sentence says what is wrong');
    await page.getByLabel('Password', { exact: true }).fill(root.password);
    await page.keyboard.press('Enter');

    const own = page.getByRole('form', { name: 'Choose your own password' });
    await own.waitFor();
    await fine(page);
    await page.keyboard.type('short'); // the first field has the focus
    assert.match(await own.textContent(), /Not met:\s*At least 12 characters/);
    assert.equal(await page.getByRole('button', { name: 'Save and go on' }).isDisabled(), true);
    await page.getByLabel('New password').fill(root.password);
    await page.getByLabel('Again').fill(root.password);
    await page.keyboard.press('Enter');
    await own.getByRole('alert').waitFor(); // the one that was given cannot be kept
    await page.getByLabel('New password').fill(PASSWORD);
    await page.getByLabel('Again').fill(PASSWORD);
    await page.keyboard.press('Enter');

    const enrol = page.getByRole('form', { name: 'Add your authenticator' });
    await enrol.locator('code').waitFor();
    await fine(page);
    secret = (await enrol.locator('code').innerText()).replace(/\s/g, '');
    await page.keyboard.type('000000');
    await enrol.getByRole('alert').waitFor();
    await page.getByLabel('Type the code it shows').fill(totp(secret)); // sends itself when it is whole

    const codes = page.getByRole('region', { name: 'Recovery codes' });
    await codes.waitFor();
    await fine(page);
    assert.ok((await codes.locator('code').count()) >= 8);
    const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as file' }).click()]);
    assert.equal(saved.suggestedFilename(), 'fairlead-recovery-codes.txt');
    secret = { totp: secret, recovery: await codes.locator('code').first().innerText() };
    assert.equal(await page.getByRole('button', { name: 'Go on' }).isDisabled(), true);
    await page.getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Go on' }).click();

    await page.getByRole('heading', { name: 'Admin: Users', level: 1 }).waitFor(); // where the address said
    assert.equal(new URL(page.url()).pathname, '/admin/users');
    assert.deepEqual(page.faults, []);
    const cookies = await page.context().cookies();
    assert.deepEqual(cookies.map(({ name, httpOnly, secure, sameSite, path }) => ({ name, httpOnly, secure, sameSite, path })),
        [{ name: '__Host-fairlead', httpOnly: true, secure: true, sameSite: 'Lax', path: '/' }]);

    await page.getByRole('button', { name: 'Your account: root' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    await page.goBack().catch(() => {});
    await page.goto(`${server.base}/admin/users`);
    await page.getByRole('form', { name: 'Sign in' }).waitFor();
    await page.context().close();
});

test('a recovery code works once', async () => {
    for (const works of [true, false]) {
        const page = await open(browser, server);
        await page.goto(server.base);
        await page.getByLabel('User name or e-mail').fill('root');
        await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
        await page.keyboard.press('Enter');
        await page.getByRole('form', { name: 'Second factor' }).waitFor();
        await fine(page);
        await page.getByRole('button', { name: 'Use a recovery code' }).click();
        await page.getByLabel('Recovery code').fill(secret.recovery);
        await page.keyboard.press('Enter');
        if (works) await page.getByRole('navigation', { name: 'Places' }).waitFor();
        else await page.getByRole('alert').waitFor();
        await page.context().close();
    }
});

test('a session that ends leads to the sign-in and back to the same page', async () => {
    const page = await open(browser, server);
    const other = server.user('second', 'operator-admin');
    const own = await signIn(page, server, other.sign_in ?? 'second', other.password, { at: '/admin/system' });
    await page.getByRole('heading', { name: /Fairlead/ }).first().waitFor();
    await page.goto(`${server.base}/admin/roles?pick=auditor`);
    await page.getByRole('heading', { name: 'auditor' }).waitFor();
    server.run('user', 'signout', 'second');
    await page.getByRole('link', { name: 'Users' }).click();
    await page.getByRole('form', { name: 'Sign in' }).waitFor();
    assert.match(await page.getByRole('status').first().innerText(), /session has ended/);
    await page.goBack();
    assert.match(page.url(), /admin\/roles\?pick=auditor/);
    await page.getByLabel('User name or e-mail').fill('second');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByLabel('Code', { exact: true }).fill(totp(own, 1));
    await page.getByRole('heading', { name: 'auditor' }).waitFor();
    await page.context().close();
});

for (const colorScheme of ['light', 'dark']) {
    for (const width of [1440, 390]) {
        test(`the sign-in at ${width} pixels, ${colorScheme}`, async () => {
            const page = await open(browser, server, { colorScheme, viewport: { width, height: 844 } });
            await page.goto(server.base);
            await page.getByRole('form', { name: 'Sign in' }).waitFor();
            assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), colorScheme);
            await fine(page);
            assert.deepEqual(page.faults, []);
            await page.context().close();
        });
    }
}

test('a minute before the end the page asks, by the server’s clock', async () => {
    const page = await open(browser, server);
    const idle = server.user('idle', 'operator-admin');
    await signIn(page, server, idle.sign_in ?? 'idle', idle.password, { at: '/profile' });
    let ends = Date.now() + 30_000;
    await page.route('**/api/v1/session', async (route) => {
        if (route.request().method() !== 'GET') return route.continue();
        const response = await route.fetch();
        const body = await response.json();
        await route.fulfill({ response, json: { ...body, idle_until: new Date(ends).toISOString() } });
    });
    await page.reload();
    const ask = page.getByRole('dialog', { name: 'Are you still there?' });
    await ask.waitFor();
    await fine(page);
    assert.match(await ask.getByRole('timer').innerText(), /^[123]?\d s$/);
    assert.equal(await page.evaluate(() => document.activeElement?.textContent?.trim()), 'Stay signed in');
    ends = Date.now() + 900_000;
    await page.keyboard.press('Enter');
    await ask.waitFor({ state: 'hidden' });
    assert.equal(await page.getByRole('heading', { level: 1 }).isVisible(), true);
    assert.deepEqual(page.faults, []);
    await page.context().close();
});
