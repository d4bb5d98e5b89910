// A browser without a window: it keeps cookies, follows redirects and sends forms as a
// person who clicks would.

import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';

// html decodes what attributes of the sandbox's pages may have in them.
const html = (text) => text.replace(/&(?:#(\d+)|(amp|lt|gt|quot));/g, (_, code, name) => (
  code ? String.fromCodePoint(code) : { amp: '&', lt: '<', gt: '>', quot: '"' }[name]));

export class Browser {
  // Pages of Meta come by the agent, all others directly.
  constructor(agent) {
    this.agent = agent;
    this.cookies = new Map();
  }

  // open shows a page, after all redirects.
  async open(url, form) {
    for (let hops = 0; hops < 10; hops += 1) {
      const answer = await this.#send(new URL(url), form);
      if (answer.status < 300 || answer.status > 399) {
        Object.assign(this, { url, status: answer.status, body: answer.body });
        return this;
      }
      url = new URL(answer.location, url).href;
      form = undefined;
    }
    return assert.fail(`too many redirects, at last to ${url}`);
  }

  // click sends the form of the page by a button. Boxes named in without lose their tick.
  async click(label, { without = [] } = {}) {
    assert.match(this.body, /<form method="post">/);
    const form = new URLSearchParams();
    for (const [, tag, attributes, text] of this.body.matchAll(/<(input|button)([^>]*)>([^<]*)/g)) {
      const { name, value, type } = Object.fromEntries([...attributes.matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, html(v)]));
      const choice = type === 'checkbox' || type === 'radio';
      const ticked = / checked/.test(attributes) && !without.includes(value);
      if (tag === 'button' ? text === label : !choice || ticked) form.append(name, value);
    }
    return this.open(this.url, form);
  }

  #send(url, form) {
    const { request } = url.protocol === 'https:' ? https : http;
    const headers = {};
    const cookie = this.cookies.get(url.host);
    if (cookie) headers.Cookie = cookie;
    if (form) headers['Content-Type'] = 'application/x-www-form-urlencoded';
    return new Promise((resolve, reject) => {
      const agent = url.protocol === 'https:' ? this.agent : undefined;
      const sent = request(url, { method: form ? 'POST' : 'GET', headers, agent }, (answer) => {
        const set = answer.headers['set-cookie'];
        if (set) this.cookies.set(url.host, set[0].split(';')[0]);
        let body = '';
        answer.setEncoding('utf8').on('data', (chunk) => { body += chunk; }).on('error', reject)
          .on('end', () => resolve({ status: answer.statusCode, location: answer.headers.location, body }));
      });
      sent.on('error', reject).end(form && form.toString());
    });
  }
}
