package sandbox

import (
	"slices"
	"time"
)

// A death is the end of a metric: the first version without it, and when the older versions
// lost it too.
type death struct {
	version int // 180 for v18.0
	all     time.Time
}

func died(version int, year int, month time.Month, day int) death {
	return death{version, time.Date(year, month, day, 0, 0, 0, 0, time.UTC)}
}

// deaths are from Meta's changelog.
var deaths = func() map[string]death {
	m := map[string]death{}
	for _, group := range []struct {
		death   death
		metrics []string
	}{
		{died(180, 2023, time.December, 11), []string{
			"audience_city", "audience_country", "audience_gender_age", "audience_locale", "carousel_album_engagement", "carousel_album_impressions",
			"carousel_album_reach", "carousel_album_saved", "taps_forward", "taps_back", "exits", "engagement",
		}},
		{died(210, 2025, time.January, 8), []string{
			"video_views", "email_contacts", "get_direction_clicks", "profile_views", "text_message_clicks", "website_clicks", "phone_call_clicks",
		}},
		{died(220, 2025, time.April, 21), []string{"impressions", "plays", "clips_replays_count", "ig_reels_aggregated_all_plays_count"}},
	} {
		for _, name := range group.metrics {
			m[name] = group.death
		}
	}
	return m
}()

// impressionsUntil: media made before then still answer impressions in versions up to v21.0.
var impressionsUntil = time.Date(2024, time.July, 2, 0, 0, 0, 0, time.UTC)

// dead says whether a version has lost a metric, for a medium or, with a zero time, a user.
func (c *call) dead(metric string, made time.Time) bool {
	d, ok := deaths[metric]
	if !ok {
		return false
	}
	if metric == "impressions" && c.number < d.version && !made.IsZero() && made.Before(impressionsUntil) {
		return false
	}
	return c.number >= d.version || !c.now.Before(d.all)
}

func deadMetric(c *call, metric string) *apiError {
	return badParam("Starting from version v%d.0 and above, the %s metric is no longer supported. Please try again with a supported metric.", deaths[metric].version/10, metric)
}

// A mediaMetric says for which products a metric is, and into what it breaks down.
type mediaMetric struct {
	products  []string
	breakdown string
	facebook  bool // Facebook Login only
	shared    bool // only for media shared to Facebook
}

var (
	feedReelsStory = []string{"FEED", "REELS", "STORY"}
	feedReels      = []string{"FEED", "REELS"}
	feedStory      = []string{"FEED", "STORY"}
)

// mediaMetrics is the documented table (instagram-media/insights), and the dead ones with the
// products that they were for.
var mediaMetrics = map[string]mediaMetric{
	"reach": {products: feedReelsStory}, "views": {products: feedReelsStory}, "shares": {products: feedReelsStory},
	"reposts": {products: feedReelsStory}, "total_interactions": {products: feedReelsStory},
	"facebook_views": {products: feedReelsStory, shared: true}, "total_views": {products: feedReelsStory, facebook: true},
	"likes": {products: feedReels}, "comments": {products: feedReels}, "saved": {products: feedReels},
	"total_likes": {products: feedReels, facebook: true}, "total_comments": {products: feedReels, facebook: true},
	"follows": {products: feedStory}, "profile_visits": {products: feedStory},
	"profile_activity":        {products: feedStory, breakdown: "action_type"},
	"replies":                 {products: []string{"STORY"}},
	"navigation":              {products: []string{"STORY"}, breakdown: "story_navigation_action_type"},
	"ig_reels_avg_watch_time": {products: []string{"REELS"}}, "ig_reels_video_view_total_time": {products: []string{"REELS"}},
	"reels_skip_rate": {products: []string{"REELS"}}, "crossposted_views": {products: []string{"REELS"}, shared: true},

	"impressions": {products: feedStory}, "plays": {products: []string{"REELS"}}, "clips_replays_count": {products: []string{"REELS"}},
	"ig_reels_aggregated_all_plays_count": {products: []string{"REELS"}}, "video_views": {products: feedReels}, "engagement": {products: feedReels},
	"taps_forward": {products: []string{"STORY"}}, "taps_back": {products: []string{"STORY"}}, "exits": {products: []string{"STORY"}},
}

// aliases are metrics that read the number of another.
var aliases = map[string]string{"total_views": "views", "total_likes": "likes", "total_comments": "comments"}

var breakdownValues = map[string][]string{
	"action_type":                  {"bio_link_clicked", "call", "direction", "email", "other", "text"},
	"story_navigation_action_type": {"swipe_forward", "tap_back", "tap_exit", "tap_forward"},
	"media_product_type":           {"AD", "FEED", "REELS", "STORY"},
	"follow_type":                  {"FOLLOWER", "NON_FOLLOWER", "UNKNOWN"},
	"follower_type":                {"FOLLOWER", "NON_FOLLOWER", "UNKNOWN"},
	"contact_button_type":          {"BOOK_NOW", "CALL", "DIRECTION", "EMAIL", "INSTANT_EXPERIENCE", "TEXT", "UNDEFINED"},
	"age":                          {"13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+"},
	"gender":                       {"F", "M", "U"},
	"country":                      {"US", "BR", "DE", "JP", "IN", "GB"},
	"city":                         {"Oakland, California", "S\u00e3o Paulo, S\u00e3o Paulo (state)", "Berlin, Berlin", "Tokyo, Tokyo"},
}

// A userMetric says how a metric of an account is asked for.
type userMetric struct {
	periods    []string
	series     bool // has metric_type=time_series
	total      bool // has metric_type=total_value
	breakdowns []string
	followers  int // that the account needs
	timeframe  bool
}

var dayOnly = []string{"day"}

// userMetrics is the documented table (instagram-user/insights).
var userMetrics = map[string]userMetric{
	"reach":                 {periods: []string{"day", "week", "days_28"}, series: true, total: true, breakdowns: []string{"media_product_type", "follow_type"}},
	"views":                 {periods: dayOnly, total: true, breakdowns: []string{"follower_type", "follow_type", "media_product_type"}},
	"accounts_engaged":      {periods: dayOnly, total: true},
	"total_interactions":    {periods: dayOnly, total: true, breakdowns: []string{"media_product_type"}},
	"likes":                 {periods: dayOnly, total: true, breakdowns: []string{"media_product_type"}},
	"comments":              {periods: dayOnly, total: true, breakdowns: []string{"media_product_type"}},
	"saves":                 {periods: dayOnly, total: true, breakdowns: []string{"media_product_type"}},
	"shares":                {periods: dayOnly, total: true, breakdowns: []string{"media_product_type"}},
	"replies":               {periods: dayOnly, total: true},
	"reposts":               {periods: dayOnly, total: true},
	"profile_links_taps":    {periods: dayOnly, total: true, breakdowns: []string{"contact_button_type"}},
	"follows_and_unfollows": {periods: dayOnly, total: true, breakdowns: []string{"follow_type"}, followers: 100},
	"follower_demographics": {periods: []string{"lifetime"}, total: true, breakdowns: []string{"age", "city", "country", "gender"}, followers: 100, timeframe: true},
	"engaged_audience_demographics": {
		periods: []string{"lifetime"}, total: true, breakdowns: []string{"age", "city", "country", "gender"}, followers: 100, timeframe: true,
	},
	"reached_audience_demographics": {
		periods: []string{"lifetime"}, total: true, breakdowns: []string{"age", "city", "country", "gender"}, followers: 100, timeframe: true,
	},
	"follower_count":   {periods: dayOnly, series: true, followers: 100},
	"online_followers": {periods: []string{"lifetime"}, series: true, followers: 100},

	"impressions": {periods: []string{"day", "week", "days_28"}, series: true}, "profile_views": {periods: dayOnly, series: true, total: true},
	"website_clicks": {periods: dayOnly, series: true, total: true}, "email_contacts": {periods: dayOnly, series: true},
	"get_direction_clicks": {periods: dayOnly, series: true}, "text_message_clicks": {periods: dayOnly, series: true},
	"phone_call_clicks": {periods: dayOnly, series: true}, "audience_city": {periods: []string{"lifetime"}}, "audience_country": {periods: []string{"lifetime"}},
	"audience_gender_age": {periods: []string{"lifetime"}}, "audience_locale": {periods: []string{"lifetime"}},
}

// liveTimeframes are what demographics still take since v20.0; the rest ended everywhere on
// 2024-08-19.
var (
	liveTimeframes = []string{"this_month", "this_week"}
	deadTimeframes = []string{"last_14_days", "last_30_days", "last_90_days", "prev_month"}
)

// metricNames are the metrics of a table that an error may recommend.
func metricNames[V any](table map[string]V) []string {
	return slices.DeleteFunc(sortedKeys(table), func(name string) bool { _, dead := deaths[name]; return dead })
}

// spread divides a number over n places, most in the first, without losing any.
func spread(total, n int) []int {
	list := make([]int, n)
	left := total
	for i := range n - 1 {
		list[i] = left / 2
		left -= list[i]
	}
	list[n-1] = left
	return list
}
