// A running connector-instagram sandbox, and ways for clients to take it for Meta.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import https from 'node:https';
import net from 'node:net';
import { createInterface } from 'node:readline';
import * as undici from 'undici';

// now is the time in every sandbox; it stands still.
const now = '2026-08-03T09:00:00Z';

// start serves a sandbox of its own for a test.
export async function start(t) {
  const binary = process.env.CONNECTOR_INSTAGRAM;
  assert.ok(binary, 'CONNECTOR_INSTAGRAM must be the path of the connector-instagram binary; examples/clients/run builds it');
  const child = spawn(binary, ['sandbox', '--addr', '127.0.0.1:0', '--clock', now, '--frozen'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(([code]) => assert.fail(`the sandbox ended with ${code} before it served`)),
  ]);
  const sandbox = new Sandbox(JSON.parse(line));
  t.after(async () => {
    await sandbox.close();
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    assert.deepEqual(await ended, [0, null]);
  });
  return sandbox;
}

class Sandbox {
  // world is the line that the sandbox prints when it is ready: app, accounts, tokens.
  constructor(world) {
    this.world = world;
    this.url = new URL(world.url);
    this.shop = world.accounts[0]; // @bluebottle, with a Page and the most of everything
    this.direct = new undici.Agent();
    this.agents = [this.direct];
  }

  async close() {
    await Promise.all(this.agents.map((agent) => agent.destroy()));
  }

  // connect opens a plain connection to the sandbox, whatever host it is asked for.
  connect() {
    return net.connect(Number(this.url.port), this.url.hostname);
  }

  // asFetch has fetch take the sandbox for every host of Meta. Requests are those that Meta
  // would get, with Meta's name in the Host header; only TLS is left out.
  asFetch() {
    const agent = new undici.Agent({
      connect: (_, done) => {
        const socket = this.connect();
        socket.once('connect', () => done(null, socket)).once('error', (error) => done(error, null));
      },
    });
    this.agents.push(agent);
    undici.setGlobalDispatcher(agent);
    Object.assign(globalThis, { fetch: undici.fetch, Request: undici.Request });
  }

  // asAgent is the same for clients that use Node's https and take an agent.
  asAgent() {
    const agent = new https.Agent();
    agent.createConnection = () => this.connect();
    this.agents.push(agent);
    return agent;
  }

  // control calls the sandbox's control API.
  async control(method, path, body) {
    const answer = await undici.request(`${this.world.control}${path}`, {
      method, dispatcher: this.direct, body: body && JSON.stringify(body),
    });
    const text = await answer.body.text();
    assert.equal(answer.statusCode, 200, `${method} ${path}: ${text}`);
    return JSON.parse(text);
  }

  // graph reads from the Graph API without a client.
  async graph(path, token) {
    const answer = await undici.request(`${this.world.url}/v25.0/${path}`, {
      dispatcher: this.direct, headers: { authorization: `Bearer ${token}` },
    });
    return answer.body.json();
  }

  // made is the journal's entry for a call that a client makes with the shop's user token,
  // and that succeeds.
  made(method, path, params = {}, more = {}) {
    const token = `user token ${this.shop.user_id}`;
    return {
      method, host: 'graph.facebook.com', version: 'v18.0', path, params: { access_token: `<${token}>`, ...params },
      token, auth: 'parameter', status: 200, ...more,
    };
  }

  // journal is what came in since the last look, with secrets replaced by what they are.
  async journal() {
    const { requests } = await this.control('GET', 'requests');
    await this.control('DELETE', 'requests');
    const text = JSON.stringify(requests);
    for (const secret of [this.world.app_secret, this.shop.user_token, this.shop.page_token]) {
      assert.ok(!text.includes(secret), 'the journal has a secret');
    }
    // A call without a token is made as the app; whose it is shows only with one.
    return requests.map(({ seq, at, route, token, ...call }) => (call.auth ? { token, ...call } : call));
  }

  // saw holds the journal since the last look to the calls, one by one and whole.
  async saw(...calls) {
    assert.deepEqual(await this.journal(), calls);
  }
}
