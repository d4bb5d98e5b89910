// npm instagram-graph-api against the sandbox. The client never looks at an answer's status,
// so the sandbox's journal says what was refused.

import assert from 'node:assert/strict';
import test from 'node:test';
import * as ig from 'instagram-graph-api';
import { start } from './sandbox.js';

const post = '17900001000000001'; // 60 comments, of them one with a reply
const album = '17900001000000003';
const comment = '17800000000001007';
const answered = '17800000000002007';
const story = '18023000000000001';
const hashtag = '17841593700000004'; // #coke

async function client(t, version = ig.ApiVersion.V18_0) {
  const s = await start(t);
  s.asFetch();
  return [s, new ig.Client(s.shop.user_token, s.shop.ig_user_id, version)];
}

const mediaFields = 'caption,comments_count,id,children,like_count,media_type,media_url,owner,permalink,timestamp,username,media_product_type';
const commentFields = 'hidden,id,like_count,media,replies,text,timestamp,user,username,from,parent_id';
const hashtagFields = 'caption,comments_count,id,children,like_count,media_type,media_url,permalink,timestamp';

// Each read of the client with all fields that it asks for by itself, and what it read.
const reads = [
  ['account', (c) => c.newGetPageInfoRequest(), '/17841405726653026',
    { fields: 'biography,id,ig_id,followers_count,follows_count,media_count,name,profile_picture_url,username' },
    (r) => assert.equal(r.getUsername(), 'bluebottle')],
  ['account in short', (c) => c.newGetInstagramAccountInfoRequest(), '/17841405726653026', { fields: 'profile_picture_url,name,username' },
    (r) => assert.equal(r.getAccountInfo().username, 'bluebottle')],
  ['posts', (c) => c.newGetPageMediaRequest(), '/17841405726653026/media', { fields: `${mediaFields},ig_id,is_comment_enabled,shortcode,thumbnail_url` },
    (r) => assert.deepEqual([r.getIds().length, r.getIds()[0], r.getCommentsCount()[0]], [25, post, 61])],
  ['post', (c) => c.newGetMediaInfoRequest(post), `/${post}`, { fields: mediaFields },
    (r) => assert.deepEqual([r.getId(), r.getMediaType(), r.getOwnerId()], [post, 'IMAGE', '17841405726653026'])],
  ['children', (c) => c.newGetMediaChildrenRequest(album), `/${album}/children`, {}, (r) => assert.equal(r.getIds().length, 3)],
  ['comments', (c) => c.newGetMediaCommentsRequest(post), `/${post}/comments`, { fields: commentFields },
    (r) => assert.ok(r.getTexts().every((text) => text.includes('love it')))],
  ['comment', (c) => c.newGetCommentRequest(comment), `/${comment}`, { fields: commentFields },
    (r) => assert.deepEqual([r.getId(), r.getParentMediaId(), r.isHidden()], [comment, post, false])],
  ['replies', (c) => c.newGetRepliesRequest(answered), `/${answered}/replies`, { fields: commentFields.replace('replies,', '') },
    (r) => assert.deepEqual(r.getTexts(), ['Thank you!'])],
  ['tags', (c) => c.newGetTagsRequest(), '/17841405726653026/tags', { fields: mediaFields }, (r) => assert.equal(r.getIds().length, 3)],
  ['stories', (c) => c.newGetPageStoriesRequest(), '/17841405726653026/stories', {}, (r) => assert.ok(r.getIds().includes(story))],
  ['hashtag', (c) => c.newGetHashtagIdRequest('coke'), '/ig_hashtag_search', { q: 'coke', user_id: '17841405726653026' },
    (r) => assert.equal(r.getId(), hashtag)],
  ['top media of a hashtag', (c) => c.newGetHashtagTopMediaRequest(hashtag), `/${hashtag}/top_media`,
    { fields: hashtagFields, user_id: '17841405726653026' }, (r) => assert.ok(r.getCaptions().every((text) => text.includes('#coke')))],
  ['recent media of a hashtag', (c) => c.newGetHashtagRecentMediaRequest(hashtag).withLimit(5), `/${hashtag}/recent_media`,
    { fields: hashtagFields, user_id: '17841405726653026', limit: '5' }, (r) => assert.equal(r.getIds().length, 5)],
  ['searched hashtags', (c) => c.newGetPageRecentlySearchedHashtagsRequest(), '/17841405726653026/recently_searched_hashtags', {},
    (r) => assert.deepEqual(r.getIds(), [hashtag])],
  ['insights of a day', (c) => c.newGetPageDayInsightsRequest(ig.DayMetric.REACH), '/17841405726653026/insights',
    { metric: 'reach', period: 'day' }, (r) => assert.ok(r.getMetricByName('reach').getHighest().value > 0)],
  ['insights of a week', (c) => c.newGetPageWeekInsightsRequest(ig.WeekAndMonthMetric.REACH), '/17841405726653026/insights',
    { metric: 'reach', period: 'week' }, (r) => assert.equal(r.getMetrics()[0].getMetricPeriod(), 'week')],
  ['insights of a month', (c) => c.newGetPageMonthInsightsRequest(ig.WeekAndMonthMetric.REACH), '/17841405726653026/insights',
    { metric: 'reach', period: 'days_28' }, (r) => assert.equal(r.getMetrics()[0].getMetricPeriod(), 'days_28')],
  ['insights of a post', (c) => c.newGetSimplePostMediaInsightsRequest(post, ig.SimplePostMetric.REACH, ig.SimplePostMetric.SAVED), `/${post}/insights`,
    { metric: 'reach,saved' }, (r) => assert.ok(r.getMetricByName('saved').getHighest().value > 0)],
  ['insights of a story', (c) => c.newGetStoryMediaInsightsRequest(story, ig.StoryMetric.REACH, ig.StoryMetric.REPLIES), `/${story}/insights`,
    { metric: 'reach,replies' }, (r) => assert.equal(r.getMetrics().length, 2)],
  ['publishing limit', (c) => c.newGetContentPublishingLimitRequest(), '/17841405726653026/content_publishing_limit',
    { fields: 'config,quota_usage' }, (r) => assert.equal(r.getQuotaDuration(), 86400)],
];

test('reads', async (t) => {
  const [s, c] = await client(t);
  for (const [name, request, path, params, check] of reads) {
    await t.test(name, async () => {
      const response = await request(c).execute();
      await s.saw(s.made('GET', path, params));
      check(response);
    });
  }
});

// The client puts an empty version into the path, which gives it three slashes.
test('accounts without a version', async (t) => {
  const [s] = await client(t);
  const pages = (await new ig.GetAuthorizedFacebookPagesRequest(s.shop.user_token).execute()).getAuthorizedFacebookPages();
  const page = new ig.GetLinkedInstagramAccountRequest(s.shop.user_token, pages[0].id);
  assert.equal((await page.execute()).getInstagramPageId(), s.shop.ig_user_id);
  const calls = [
    s.made('GET', '/me/accounts'),
    s.made('GET', `/${s.shop.page_id}`, { fields: 'instagram_business_account' }),
  ];
  calls.forEach((call) => delete call.version);
  await s.saw(...calls);
});

test('the base URL is the sandbox', async (t) => {
  const [s, c] = await client(t, ig.ApiVersion.V8_0);
  const meta = ig.Constants.API_URL;
  t.after(() => { ig.Constants.API_URL = meta; });
  for (const base of [s.world.url, `${s.world.url}/graph.facebook.com`]) {
    ig.Constants.API_URL = base;
    assert.equal((await c.newGetPageInfoRequest(ig.PageField.USERNAME).execute()).getUsername(), 'bluebottle');
    await s.saw(s.made('GET', `/${s.shop.ig_user_id}`, { fields: 'username' }, { version: 'v8.0' }));
  }
});

test('media, paged to the end by cursors', async (t) => {
  const [s, c] = await client(t);
  const ids = [];
  const cursors = [];
  for (let after; ;) {
    const request = c.newGetPageMediaRequest(ig.PublicMediaField.ID).withLimit(10);
    if (after) request.withPaging({ option: ig.PageOption.AFTER, value: after });
    const page = await request.execute();
    ids.push(...page.getIds());
    if (!page.getPaging().getNext()) break;
    after = page.getPaging().getAfter();
    cursors.push(after);
  }
  assert.equal(ids.length, 36);
  assert.equal(new Set(ids).size, 36);
  const list = (params) => s.made('GET', `/${s.shop.ig_user_id}/media`, { fields: 'id', limit: '10', ...params });
  await s.saw(list(), ...cursors.map((after) => list({ after })));
  assert.equal(cursors.length, 3);
});

test('a page before', async (t) => {
  const [s, c] = await client(t);
  const page = (paging) => (paging ? c.newGetPageMediaRequest(ig.PublicMediaField.ID).withLimit(5).withPaging(paging)
    : c.newGetPageMediaRequest(ig.PublicMediaField.ID).withLimit(5)).execute();
  const first = await page();
  const second = await page({ option: ig.PageOption.AFTER, value: first.getPaging().getAfter() });
  const again = await page({ option: ig.PageOption.BEFORE, value: second.getPaging().getBefore() });
  assert.deepEqual(again.getIds(), first.getIds());
  const [, , last] = await s.journal();
  assert.deepEqual(last, s.made('GET', `/${s.shop.ig_user_id}/media`, { fields: 'id', limit: '5', before: second.getPaging().getBefore() }));
});

// The client sends parameters of POST and DELETE in the query, with an empty body.
test('comments', async (t) => {
  const [s, c] = await client(t);
  const own = (await c.newPostMediaCommentRequest(post, 'Merci, Zoë & alle!').execute()).getId();
  const reply = (await c.newPostReplyRequest(comment, 'It is.').execute()).getId();
  assert.ok((await c.newPostHideCommentRequest(comment).execute()).wasSuccessful());
  assert.equal((await c.newGetCommentRequest(comment, ig.CommentField.HIDDEN).execute()).isHidden(), true);
  assert.ok((await c.newDeleteCommentRequest(own).execute()).wasSuccessful());
  await c.newGetCommentRequest(own, ig.CommentField.ID).execute();
  await s.saw(
    s.made('POST', `/${post}/comments`, { message: 'Merci, Zoë & alle!' }),
    s.made('POST', `/${comment}/replies`, { message: 'It is.' }),
    s.made('POST', `/${comment}`, { hide: 'true' }),
    s.made('GET', `/${comment}`, { fields: 'hidden' }),
    s.made('DELETE', `/${own}`),
    s.made('GET', `/${own}`, { fields: 'id' }, { status: 400, code: 100, subcode: 33 }),
  );
  assert.notEqual(own, reply);
});

// The client leaves out what is false, so it cannot show a comment again.
test('a comment shown again', async (t) => {
  const [s, c] = await client(t);
  assert.ok(!(await c.newPostHideCommentRequest(comment, false).execute()).wasSuccessful());
  await s.saw(s.made('POST', `/${comment}`, {}, { status: 400, code: 100 }));
});

test('publishing a photo', async (t) => {
  const [s, c] = await client(t);
  const account = `/${s.shop.ig_user_id}`;
  const container = (await c.newPostPagePhotoMediaRequest('https://cdn.example/cup.jpg', 'A cup ☕ #coffee').execute()).getId();
  const state = await c.newGetContainerRequest(container).execute();
  assert.equal(state.getContainerStatusCode(), ig.CONTAINER_STATUS_CODE.FINISHED);
  const media = (await c.newPostPublishMediaRequest(container).execute()).getId();
  assert.equal((await c.newGetMediaInfoRequest(media, ig.PublicMediaField.CAPTION).execute()).getCaption(), 'A cup ☕ #coffee');
  await s.saw(
    s.made('POST', `${account}/media`, { media_type: 'IMAGE', image_url: 'https://cdn.example/cup.jpg', caption: 'A cup ☕ #coffee' }),
    s.made('GET', `/${container}`, { fields: 'id,status,status_code' }),
    s.made('POST', `${account}/media_publish`, { creation_id: container }),
    s.made('GET', `/${media}`, { fields: 'caption' }),
  );
});

test('publishing a reel', async (t) => {
  const [s, c] = await client(t);
  const account = `/${s.shop.ig_user_id}`;
  const container = (await c.newPostPageReelMediaRequest('https://cdn.example/pour.mp4', 'Pour', 1500, true).execute()).getId();
  const code = async () => (await c.newGetContainerRequest(container, ig.ContainerField.STATUS_CODE).execute()).getContainerStatusCode();
  assert.equal(await code(), 'IN_PROGRESS');
  await c.newPostPublishMediaRequest(container).execute();
  await s.control('POST', 'clock', { advance: '10m' });
  assert.equal(await code(), 'FINISHED');
  assert.ok((await c.newPostPublishMediaRequest(container).execute()).getId());
  assert.equal(await code(), 'PUBLISHED');
  const asked = s.made('GET', `/${container}`, { fields: 'status_code' });
  const published = s.made('POST', `${account}/media_publish`, { creation_id: container });
  await s.saw(
    s.made('POST', `${account}/media`, {
      media_type: 'REELS', video_url: 'https://cdn.example/pour.mp4', caption: 'Pour', thumb_offset: '1500', share_to_feed: 'true',
    }),
    asked, { ...published, status: 400, code: 9007, subcode: 2207027 }, asked, published, asked,
  );
});

test('publishing stories', async (t) => {
  const [s, c] = await client(t);
  const account = `/${s.shop.ig_user_id}`;
  const photo = (await c.newPostPageStoriesPhotoMediaRequest('https://cdn.example/cup.jpg').execute()).getId();
  await c.newPostPageStoriesVideoMediaRequest('https://cdn.example/pour.mp4').execute();
  const media = (await c.newPostPublishMediaRequest(photo).execute()).getId();
  assert.equal((await c.newGetPageStoriesRequest().withLimit(1).execute()).getIds()[0], media);
  await s.saw(
    s.made('POST', `${account}/media`, { media_type: 'STORIES', image_url: 'https://cdn.example/cup.jpg' }),
    s.made('POST', `${account}/media`, { media_type: 'STORIES', video_url: 'https://cdn.example/pour.mp4' }),
    s.made('POST', `${account}/media_publish`, { creation_id: photo }),
    s.made('GET', `${account}/stories`, { limit: '1' }),
  );
});

// The client calls the parameter of items is_carousel, which Meta does not know, so items are
// made without it. Their list it writes with commas.
test('publishing a carousel', async (t) => {
  const [s, c] = await client(t);
  const account = `/${s.shop.ig_user_id}`;
  const wrong = (await c.newPostPagePhotoMediaRequest('https://cdn.example/0.jpg').withIsCarousel(true).execute()).getId();
  await c.newPostPageCarouselMediaRequest([wrong, wrong]).execute();
  const items = [];
  for (const n of [1, 2]) {
    const { url, params } = c.newPostPagePhotoMediaRequest(`https://cdn.example/${n}.jpg`).config();
    const query = new URLSearchParams({ access_token: params.access_token, image_url: params.image_url, is_carousel_item: true });
    const answer = await fetch(`https://graph.facebook.com/v18.0${url}?${query}`, { method: 'POST' });
    items.push((await answer.json()).id);
  }
  const container = (await c.newPostPageCarouselMediaRequest(items, 'Two').execute()).getId();
  assert.ok((await c.newPostPublishMediaRequest(container).execute()).getId());
  await s.saw(
    s.made('POST', `${account}/media`, { media_type: 'IMAGE', image_url: 'https://cdn.example/0.jpg', is_carousel: 'true' }),
    s.made('POST', `${account}/media`, { media_type: 'CAROUSEL', children: `${wrong},${wrong}` }, { status: 400, code: 24, subcode: 2207006 }),
    s.made('POST', `${account}/media`, { image_url: 'https://cdn.example/1.jpg', is_carousel_item: 'true' }),
    s.made('POST', `${account}/media`, { image_url: 'https://cdn.example/2.jpg', is_carousel_item: 'true' }),
    s.made('POST', `${account}/media`, { media_type: 'CAROUSEL', children: items.join(','), caption: 'Two' }),
    s.made('POST', `${account}/media_publish`, { creation_id: container }),
  );
});

// The client writes the token again behind the exchanged one (?access_token=...), so Meta
// cannot read it.
test('exchange of a short token', async (t) => {
  const [s] = await client(t);
  const { access_token: token } = await s.control('POST', 'tokens', {
    kind: 'USER', user_id: s.shop.user_id, scopes: ['instagram_basic'], expires_in: 3600,
  });
  const request = new ig.GetUserLongLivedTokenRequest(token, s.world.app_id, s.world.app_secret);
  assert.equal((await request.execute()).getLongLivedToken(), undefined);
  const [call] = await s.journal();
  assert.equal(call.path, '/oauth/access_token');
  assert.deepEqual(call.params, {
    client_id: s.world.app_id, client_secret: '<app secret>', grant_type: 'fb_exchange_token',
    fb_exchange_token: `<user token ${s.shop.user_id}>?access_token=<user token ${s.shop.user_id}>`,
  });
  assert.deepEqual([call.status, call.code], [401, 190]);
  // With the part that belongs there it is exchanged.
  const { baseURL, url } = request.config();
  const answer = await (await fetch(`${baseURL}${url}`)).json();
  assert.ok(answer.access_token !== token && answer.expires_in > 50 * 24 * 3600);
  const [good] = await s.journal();
  assert.deepEqual([good.path, good.status, good.params.fb_exchange_token], ['/oauth/access_token', 200, `<user token ${s.shop.user_id}>`]);
});

// Metrics that died before this version, which the client still asks for by itself.
test('dead metrics', async (t) => {
  const [s, c] = await client(t);
  const asks = [
    [c.newGetPageLifetimeInsightsRequest(), `/${s.shop.ig_user_id}/insights`,
      { metric: 'audience_city,audience_country,audience_gender_age,audience_locale,online_followers', period: 'lifetime' }],
    [c.newGetSimplePostMediaInsightsRequest(post), `/${post}/insights`, { metric: 'engagement,impressions,reach,saved' }],
    [new ig.GetAlbumMediaInsightsRequest(s.shop.user_token, album, ig.AlbumMetric.CAROUSEL_ALBUM_REACH).withApiVersion(ig.ApiVersion.V18_0),
      `/${album}/insights`, { metric: 'carousel_album_reach' }],
  ];
  for (const [request, path, params] of asks) {
    await assert.rejects(request.execute(), TypeError); // it reads data without a look at error
    await s.saw(s.made('GET', path, params, { status: 400, code: 100 }));
  }
});

test('a dead token', async (t) => {
  const [s, c] = await client(t);
  await s.control('POST', 'tokens/invalidate', { token: s.shop.user_token, subcode: 460 });
  const info = await c.newGetPageInfoRequest(ig.PageField.ID).execute();
  assert.equal(info.getData().error.error_subcode, 460);
  await s.saw(s.made('GET', `/${s.shop.ig_user_id}`, { fields: 'id' }, { status: 401, code: 190, subcode: 460 }));
});

test('a used-up budget', async (t) => {
  const [s, c] = await client(t);
  await s.control('POST', 'limits', { account_per_day: 1 });
  const read = () => c.newGetMediaInfoRequest(post, ig.PublicMediaField.ID).execute();
  assert.equal((await read()).getId(), post);
  assert.equal((await read()).getData().error.code, 80002);
  const call = s.made('GET', `/${post}`, { fields: 'id' });
  await s.saw(call, { ...call, status: 403, code: 80002 });
});

test('answers that are none', async (t) => {
  const [s, c] = await client(t);
  for (const [kind, status] of [['html', 502], ['truncated', 200], ['empty', 200], ['reset_before', 0], ['reset_after', 0]]) {
    await s.control('POST', 'faults', { kind });
    await assert.rejects(c.newPostMediaCommentRequest(post, `Struck by ${kind}`).execute());
    await s.saw(s.made('POST', `/${post}/comments`, { message: `Struck by ${kind}` }, { status, fault: kind }));
  }
  const texts = (await c.newGetMediaCommentsRequest(post, ig.CommentField.TEXT).execute()).getTexts();
  assert.deepEqual(texts.filter((text) => text.startsWith('Struck')).sort(), ['Struck by reset_after', 'Struck by truncated']);
});
