// npm passport-facebook in an express app, against the sandbox's login dialog. A browser
// clicks through the dialog; the sandbox's journal says what browser and app sent.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import express from 'express';
import session from 'express-session';
import { Passport } from 'passport';
import { Strategy } from 'passport-facebook';
import { Browser } from './browser.js';
import { start } from './sandbox.js';

const scope = ['instagram_basic', 'pages_show_list', 'pages_read_engagement', 'email'];

// serve runs an app with "Log in with Facebook" that answers with who has logged in.
async function serve(t, s, options) {
  const strategy = new Strategy({
    clientID: s.world.app_id, clientSecret: s.world.app_secret, callbackURL: '/callback', state: true, enableProof: true,
    graphAPIVersion: 'v25.0', profileFields: ['id', 'displayName', 'emails'], ...options,
  }, (accessToken, refreshToken, profile, done) => done(null, { accessToken, profile }));
  const agent = s.asAgent();
  if (!options?.tokenURL) strategy._oauth2.setAgent(agent); // the way that the library has for it
  const passport = new Passport().use(strategy);
  const app = express();
  app.use(session({ secret: 'cat', resave: false, saveUninitialized: false }));
  app.get('/login', passport.authenticate('facebook', { scope }));
  app.get('/callback', passport.authenticate('facebook', { session: false, failWithError: true }), (request, response) => response.json(request.user));
  app.use((error, request, response, _) => response.status(error.status || 500).json({ ...error, name: error.name, message: error.message }));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  return [`http://127.0.0.1:${server.address().port}`, new Browser(agent)];
}

// exchanged and asked are what the app sends after the dialog.
const exchanged = (s, app, more) => ({
  method: 'POST', host: 'graph.facebook.com', version: 'v25.0', path: '/oauth/access_token', status: 200,
  params: { client_id: s.world.app_id, client_secret: '<app secret>', code: '<code>', grant_type: 'authorization_code', redirect_uri: `${app}/callback` },
  ...more,
});
const asked = (s, more) => s.made('GET', '/me', { fields: 'id,name,email', appsecret_proof: '<proof>' }, { version: 'v25.0', ...more });

test('a login', async (t) => {
  const s = await start(t);
  const [app, browser] = await serve(t, s);
  await browser.open(`${app}/login`);
  assert.match(browser.body, /instagram_basic/);
  await browser.click('Continue');
  assert.equal(browser.status, 200, browser.body);
  assert.ok(browser.url.startsWith(`${app}/callback?`));
  const { profile, accessToken } = JSON.parse(browser.body);
  assert.equal(profile.id, s.shop.user_id);
  assert.ok(profile.displayName);

  const calls = await s.journal();
  const { state } = calls[0].params;
  assert.ok(state);
  const dialog = { client_id: s.world.app_id, redirect_uri: `${app}/callback`, response_type: 'code', scope: scope.join(','), state };
  const shown = { method: 'GET', host: 'www.facebook.com', version: 'v25.0', path: '/dialog/oauth', params: dialog, status: 200 };
  const chosen = { ...dialog, decision: 'continue', grant: 'pages_show_list', share: '100200300400502' }; // of several, the last
  assert.deepEqual(calls, [shown, { ...shown, method: 'POST', params: chosen, status: 302 }, exchanged(s, app), asked(s)]);

  // What the person was asked for is what the token is good for.
  const { data } = await s.graph('me/permissions', accessToken);
  assert.deepEqual(data.filter((p) => p.status === 'granted').map((p) => p.permission).sort(), [...scope].sort());
});

test('a whole profile', async (t) => {
  const s = await start(t);
  const [app, browser] = await serve(t, s, { profileFields: ['id', 'displayName', 'name', 'photos', 'emails', 'gender', 'profileUrl'] });
  await browser.open(`${app}/login`);
  await browser.click('Continue');
  const { profile } = JSON.parse(browser.body);
  assert.deepEqual(profile.name, { familyName: 'Roaster', givenName: 'Maya' });
  assert.deepEqual(profile.emails, [{ value: 'maya@example.com' }]);
  assert.match(profile.photos[0].value, /\/profile\//);
  const last = (await s.journal()).at(-1);
  assert.equal(last.params.fields, 'id,name,last_name,first_name,middle_name,picture,email,gender,link');
  assert.equal(last.status, 200);
});

test('a login with fewer permissions than were asked for', async (t) => {
  const s = await start(t);
  const [app, browser] = await serve(t, s);
  await browser.open(`${app}/login`);
  await browser.click('Continue', { without: ['instagram_basic'] });
  const { accessToken } = JSON.parse(browser.body);
  const { data } = await s.graph('me/permissions', accessToken);
  assert.ok(!data.some((p) => p.permission === 'instagram_basic' && p.status === 'granted'));
  const media = await s.graph(`${s.shop.ig_user_id}/media`, accessToken);
  assert.equal(media.error.code, 10);
});

test('a refusal', async (t) => {
  const s = await start(t);
  const [app, browser] = await serve(t, s);
  await browser.open(`${app}/login`);
  await browser.click('Cancel');
  assert.equal(browser.status, 401);
  const back = new URL(browser.url).searchParams;
  assert.deepEqual([back.get('error'), back.get('error_reason'), back.has('code')], ['access_denied', 'user_denied', false]);
  const calls = await s.journal();
  assert.deepEqual(calls.map((c) => [c.method, c.path, c.status]), [['GET', '/dialog/oauth', 200], ['POST', '/dialog/oauth', 302]]);
  assert.equal(calls[1].params.decision, 'cancel');
});

test('a callback called twice', async (t) => {
  const s = await start(t);
  const [app, browser] = await serve(t, s, { state: false });
  await browser.open(`${app}/login`);
  await browser.click('Continue');
  await s.journal();
  await browser.open(browser.url);
  assert.equal(browser.status, 500);
  const error = JSON.parse(browser.body);
  assert.deepEqual([error.name, error.code, error.subcode], ['FacebookTokenError', 100, 36009]);
  assert.ok(error.traceID);
  await s.saw(exchanged(s, app, { status: 400, code: 100, subcode: 36009 }));
});

test('a wrong secret', async (t) => {
  const s = await start(t);
  const [app, browser] = await serve(t, s, { clientSecret: '0000' });
  await browser.open(`${app}/login`);
  await browser.click('Continue');
  assert.equal(JSON.parse(browser.body).name, 'FacebookTokenError');
  const calls = await s.journal();
  const last = calls.at(-1);
  assert.deepEqual([last.path, last.params.client_secret, last.status, last.code], ['/oauth/access_token', '<unknown app secret>', 400, 1]);
});

test('a profile that cannot be read', async (t) => {
  const s = await start(t);
  const [app, browser] = await serve(t, s);
  await browser.open(`${app}/login`);
  await s.control('POST', 'faults', { kind: 'error', path: '/me', code: 190, subcode: 459 });
  await browser.click('Continue');
  const error = JSON.parse(browser.body);
  assert.deepEqual([error.name, error.code, error.subcode], ['FacebookGraphAPIError', 190, 459]);
  const [, , ...calls] = await s.journal();
  assert.deepEqual(calls, [exchanged(s, app), asked(s, { status: 401, code: 190, subcode: 459, fault: 'error' })]);
});

test('the base URLs are the sandbox', async (t) => {
  const s = await start(t);
  const [app, browser] = await serve(t, s, {
    authorizationURL: `${s.world.url}/www.facebook.com/v25.0/dialog/oauth`, tokenURL: `${s.world.url}/v25.0/oauth/access_token`,
    profileURL: `${s.world.url}/graph.facebook.com/v25.0/me`,
  });
  await browser.open(`${app}/login`);
  await browser.click('Continue');
  assert.equal(JSON.parse(browser.body).profile.id, s.shop.user_id);
  const calls = await s.journal();
  assert.deepEqual(calls.map((c) => [c.method, c.host, c.path, c.status]), [
    ['GET', 'www.facebook.com', '/dialog/oauth', 200], ['POST', 'www.facebook.com', '/dialog/oauth', 302],
    ['POST', 'graph.facebook.com', '/oauth/access_token', 200], ['GET', 'graph.facebook.com', '/me', 200],
  ]);
});

// The strategy has v3.2 wired in, which Meta has ended: the login works, the profile does not.
test('the version that the strategy comes with', async (t) => {
  const s = await start(t);
  const [app, browser] = await serve(t, s, { graphAPIVersion: undefined });
  await browser.open(`${app}/login`);
  await browser.click('Continue');
  assert.deepEqual([JSON.parse(browser.body).name, JSON.parse(browser.body).code], ['FacebookGraphAPIError', 2635]);
  const [, , ...calls] = await s.journal();
  const { token, auth, ...refused } = asked(s, { version: 'v3.2', status: 400, code: 2635 }); // before anybody looked at the token
  assert.deepEqual(calls, [exchanged(s, app, { version: 'v3.2' }), refused]);
});

test('an app that does not exist', async (t) => {
  const s = await start(t);
  const [app, browser] = await serve(t, s, { clientID: '1' });
  await browser.open(`${app}/login`);
  assert.equal(browser.status, 400);
  assert.match(browser.body, /Invalid app ID/);
  assert.equal((await s.journal())[0].status, 400);
});
