package operations

import (
	"slices"
	"time"

	"github.com/storyloop/storyloop/operations/graph"
)

// Products of media, as insights tell them apart.
const (
	feed  = "FEED"
	reels = "REELS"
	story = "STORY"
	user  = "USER" // The account itself.
)

// metric is one number that Meta counts.
// Sources: developers.facebook.com/docs/instagram-platform/reference/instagram-media/insights,
// .../api-reference/instagram-user/insights, and the changelog.
type metric struct {
	name       string
	products   []string
	usual      bool   // Asked for unless somebody chooses.
	gone       string // First version without it; empty while it lives.
	ended      string // The day from which no version has it.
	successor  string
	lingers    bool // Older versions still have it for media of before its end was near.
	facebook   bool // Facebook Login only.
	crossposts bool // Only of what was shared to Facebook too: Meta refuses it otherwise.
}

var (
	allMedia  = []string{feed, reels, story}
	postsOnly = []string{feed, reels}
)

// metrics is the one list of numbers: what has it, and until which version.
var metrics = []metric{
	{name: "reach", products: append([]string{user}, allMedia...), usual: true},
	{name: "views", products: append([]string{user}, allMedia...), usual: true},
	{name: "shares", products: append([]string{user}, allMedia...), usual: true},
	{name: "reposts", products: append([]string{user}, allMedia...)},
	{name: "total_interactions", products: append([]string{user}, allMedia...), usual: true},
	{name: "facebook_views", products: allMedia, crossposts: true},
	{name: "total_views", products: allMedia, facebook: true},
	{name: "likes", products: append([]string{user}, postsOnly...), usual: true},
	{name: "comments", products: append([]string{user}, postsOnly...), usual: true},
	{name: "saved", products: postsOnly, usual: true},
	{name: "total_likes", products: postsOnly, facebook: true},
	{name: "total_comments", products: postsOnly, facebook: true},
	{name: "follows", products: []string{feed, story}},
	{name: "profile_visits", products: []string{feed, story}},
	{name: "profile_activity", products: []string{feed, story}},
	{name: "replies", products: []string{user, story}, usual: true},
	{name: "navigation", products: []string{story}, usual: true},
	{name: "ig_reels_avg_watch_time", products: []string{reels}, usual: true},
	{name: "ig_reels_video_view_total_time", products: []string{reels}, usual: true},
	{name: "reels_skip_rate", products: []string{reels}},
	{name: "crossposted_views", products: []string{reels}, crossposts: true},

	{name: "accounts_engaged", products: []string{user}, usual: true},
	{name: "saves", products: []string{user}, usual: true},
	{name: "profile_links_taps", products: []string{user}, usual: true},
	{name: "follows_and_unfollows", products: []string{user}},
	{name: "follower_count", products: []string{user}},
	{name: "online_followers", products: []string{user}},

	{name: "impressions", products: append([]string{user}, allMedia...), gone: "v22.0", ended: "2025-04-21", successor: "views", lingers: true},
	{name: "plays", products: []string{reels}, gone: "v22.0", ended: "2025-04-21", successor: "views"},
	{name: "clips_replays_count", products: []string{reels}, gone: "v22.0", ended: "2025-04-21", successor: "views"},
	{name: "ig_reels_aggregated_all_plays_count", products: []string{reels}, gone: "v22.0", ended: "2025-04-21", successor: "views"},
	{name: "video_views", products: postsOnly, gone: "v21.0", ended: "2025-01-08", successor: "views"},
	{name: "email_contacts", products: []string{user}, gone: "v21.0", ended: "2025-01-08", successor: "profile_links_taps"},
	{name: "get_direction_clicks", products: []string{user}, gone: "v21.0", ended: "2025-01-08", successor: "profile_links_taps"},
	{name: "profile_views", products: []string{user}, gone: "v21.0", ended: "2025-01-08"},
	{name: "text_message_clicks", products: []string{user}, gone: "v21.0", ended: "2025-01-08", successor: "profile_links_taps"},
	{name: "website_clicks", products: []string{user}, gone: "v21.0", ended: "2025-01-08", successor: "profile_links_taps"},
	{name: "phone_call_clicks", products: []string{user}, gone: "v21.0", ended: "2025-01-08", successor: "profile_links_taps"},
	{name: "audience_city", products: []string{user}, gone: "v18.0", ended: "2023-12-11", successor: "follower_demographics"},
	{name: "audience_country", products: []string{user}, gone: "v18.0", ended: "2023-12-11", successor: "follower_demographics"},
	{name: "audience_gender_age", products: []string{user}, gone: "v18.0", ended: "2023-12-11", successor: "follower_demographics"},
	{name: "audience_locale", products: []string{user}, gone: "v18.0", ended: "2023-12-11", successor: "follower_demographics"},
	{name: "carousel_album_engagement", products: []string{feed}, gone: "v18.0", ended: "2023-12-11", successor: "total_interactions"},
	{name: "carousel_album_impressions", products: []string{feed}, gone: "v18.0", ended: "2023-12-11", successor: "views"},
	{name: "carousel_album_reach", products: []string{feed}, gone: "v18.0", ended: "2023-12-11", successor: "reach"},
	{name: "carousel_album_saved", products: []string{feed}, gone: "v18.0", ended: "2023-12-11", successor: "saved"},
	{name: "carousel_album_video_views", products: []string{feed}, gone: "v18.0", ended: "2023-12-11", successor: "views"},
	{name: "engagement", products: postsOnly, gone: "v18.0", ended: "2023-12-11", successor: "total_interactions"},
	{name: "taps_forward", products: []string{story}, gone: "v18.0", ended: "2023-12-11", successor: "navigation"},
	{name: "taps_back", products: []string{story}, gone: "v18.0", ended: "2023-12-11", successor: "navigation"},
	{name: "exits", products: []string{story}, gone: "v18.0", ended: "2023-12-11", successor: "navigation"},
}

// skippedMetric is a number that was left out, and why.
type skippedMetric struct {
	Metric    string `json:"metric"`
	Reason    string `json:"reason"` // One of the reasons below.
	Successor string `json:"successor,omitempty"`
}

// Reasons for leaving a metric out.
const (
	metricUnknown  = "unknown"        // Nobody has heard of it.
	metricGone     = "gone"           // The version of the API does not have it any more.
	metricElse     = "other_product"  // Media of another product have it.
	metricFacebook = "facebook_login" // Only Facebook Login has it.
)

// subject is what the numbers are of.
type subject struct {
	product   string
	published time.Time // Of a medium.
}

// lingering is until when a medium must have been published for older versions to
// have its metrics that have ended since.
var lingering = time.Date(2024, time.July, 2, 0, 0, 0, 0, time.UTC)

// has reports whether a version of the API has the metric for a subject at a time.
func (m metric) has(of subject, g *graph.Client, now time.Time) bool {
	if m.gone == "" {
		return true
	}
	if g.AtLeast(m.gone) {
		return false
	}
	if m.lingers && of.product != user && of.published.Before(lingering) {
		return true
	}
	end, err := time.Parse(time.DateOnly, m.ended)
	return err == nil && now.Before(end)
}

// choose divides the metrics that a user wants, or the usual ones, into those that
// can be asked for and those that cannot.
func (s *session) choose(wanted []string, of subject) (ask []string, skipped []skippedMetric) {
	if len(wanted) == 0 {
		for _, m := range metrics {
			if m.usual && slices.Contains(m.products, of.product) {
				ask = append(ask, m.name)
			}
		}
		return ask, nil
	}
	for _, name := range wanted {
		i := slices.IndexFunc(metrics, func(m metric) bool { return m.name == name })
		if i < 0 {
			skipped = append(skipped, skippedMetric{name, metricUnknown, ""})
			continue
		}
		switch m := metrics[i]; {
		case !m.has(of, s.graph, s.now()):
			skipped = append(skipped, skippedMetric{name, metricGone, m.successor})
		case !slices.Contains(m.products, of.product):
			skipped = append(skipped, skippedMetric{name, metricElse, ""})
		case m.facebook && s.instagram():
			skipped = append(skipped, skippedMetric{name, metricFacebook, ""})
		default:
			ask = append(ask, name)
		}
	}
	return ask, skipped
}
