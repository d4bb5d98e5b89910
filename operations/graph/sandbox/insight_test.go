package sandbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

func TestMediaInsights_ByProduct(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const photo, reel, story = "17900001000000001", "17900001000000002", "18023000000000001"
	got := c.get("/" + photo + "/insights?metric=reach").ok()
	assert.JSONEq(t, `{"data":[{"name":"reach","period":"lifetime","values":[{"value":2700}],"title":"Reach","description":"The reach of the media.",
		"id":"17900001000000001/insights/reach/lifetime"}]}`, got)
	c.get("/" + reel + "/insights?metric=ig_reels_avg_watch_time,reels_skip_rate,views").ok()
	c.get("/"+photo+"/insights?metric=reels_skip_rate").fails(100, 0)
	c.get("/"+reel+"/insights?metric=follows").fails(100, 0)
	c.get("/"+reel+"/insights?metric=crossposted_views").fails(100, 0)
	c.get("/" + "17900001000000008" + "/insights?metric=crossposted_views").ok()
	c.get("/"+photo+"/insights?metric=magic").fails(100, 0)
	c.get("/"+photo+"/insights").fails(100, 0)
	c.get("/17800001000000003/insights?metric=reach").fails(100, 0)
	c.get("/" + photo + "/insights?metric=total_likes").ok()
	c.get("/graph.instagram.com/"+photo+"/insights?metric=total_likes").fails(100, 0)

	both := c.get("/" + story + "/insights?metric=navigation&breakdown=story_navigation_action_type").ok()
	assert.Contains(t, both, `"values":[{"value":40}]`)
	assert.Contains(t, both, `"total_value":{"value":40,"breakdowns":[{"dimension_keys":["story_navigation_action_type"],"results":[{"dimension_values":["swipe_forward"]`)
	r := c.get("/" + photo + "/insights?metric=reach&breakdown=action_type")
	assert.Equal(t, "An unknown error has occurred.", r.fails(1, 0))
	assert.Contains(t, c.get("/"+account+"?fields=media.limit(1){insights.metric(reach,saved)}").ok(), `"insights":{"data":[{"name":"reach"`)
}

func TestMediaInsights_OfStoriesForADayAndFiveViewers(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	assert.Contains(t, c.get("/18023000100000001/insights?metric=reach").fails(10, 0), "Not enough viewers for the media to show insights")
	c.get("/18023000000000001/insights?metric=replies").ok()
	c.sb.Clock().Advance(24 * time.Hour)
	c.get("/18023000000000001/insights?metric=replies").fails(100, 33)
}

func TestMediaInsights_WithoutDataAreEmpty(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	id := c.publish(c.container("image_url", photo))
	assert.JSONEq(t, `{"data":[]}`, c.get("/"+id+"/insights?metric=reach").ok())
}

func TestMetrics_DieByVersionAndDate(t *testing.T) {
	t.Parallel()
	world := sandbox.SeedWorld()
	old := *world.Media[len(world.Media)-1]
	old.ID, old.OwnerID, old.At = "17900009000000001", account, time.Date(2024, time.June, 1, 0, 0, 0, 0, time.UTC)
	old.Insights = map[string]int{"impressions": 77}
	world.Media = append(world.Media, &old)
	c := newClientOf(t, sandbox.Options{World: world, Clock: sandbox.NewClock(time.Date(2023, time.June, 1, 0, 0, 0, 0, time.UTC))})
	user := func(version, metric, more string) reply {
		return c.get(fmt.Sprintf("/%s/%s/insights?period=day&metric=%s%s", version, account, metric, more))
	}
	user("v17.0", "impressions", "").ok()
	user("v21.0", "profile_views", "").fails(100, 0)
	user("v20.0", "profile_views", "").ok()
	user("v22.0", "impressions", "").fails(100, 0)
	c.sb.Clock().Set(time.Date(2025, time.June, 1, 0, 0, 0, 0, time.UTC))
	user("v20.0", "profile_views", "").fails(100, 0)
	user("v21.0", "impressions", "").fails(100, 0)
	c.get("/v21.0/17900009000000001/insights?metric=impressions").ok()
	assert.Contains(t, c.get("/v22.0/17900009000000001/insights?metric=impressions").fails(100, 0), "Starting from version v22.0")
	c.get("/v17.0/17900001000000002/insights?metric=plays").fails(100, 0)
}

func TestAccountInsights_ByTheTable(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	get := func(query string) reply { return c.get("/" + account + "/insights?" + query) }
	got := get("metric=reach&period=day&since=2026-07-30&until=2026-08-01").ok()
	assert.Contains(t, got, `"end_time":"2026-07-30T07:00:00+0000"`)
	assert.Contains(t, got, `"end_time":"2026-07-31T07:00:00+0000"`)
	assert.Contains(t, got, `"previous":"http`)
	assert.Contains(t, got, "since=1785196800")
	got = get("metric=views,likes&period=day&metric_type=total_value&breakdown=media_product_type").ok()
	assert.Contains(t, got, `"name":"views","period":"day","title":"Views"`)
	assert.Contains(t, got, `{"dimension_values":["AD"],"value":`)
	get("metric=views&period=day").fails(100, 0)
	get("metric=views&period=week&metric_type=total_value").fails(100, 0)
	get("metric=views&metric_type=total_value").fails(100, 0)
	get("metric=magic&period=day").fails(100, 0)
	get("metric=replies&period=day&metric_type=total_value&breakdown=follow_type").fails(1, 0)
	get("metric=reach&period=day&since=1780000000&until=1790000000").fails(100, 0)
	demographics := "metric=engaged_audience_demographics&period=lifetime&metric_type=total_value&breakdown=country&timeframe="
	assert.Contains(t, get(demographics+"this_week").ok(), `"dimension_keys":["country"]`)
	get(demographics+"last_90_days").fails(100, 0)
	get(demographics).fails(100, 0)
	assert.JSONEq(t, `{"data":[]}`, c.get("/"+sandbox.SeedThirdAccountID+"/insights?metric=follower_count&period=day").ok(), "fewer than 100 followers")
}
