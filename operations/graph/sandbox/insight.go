package sandbox

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxInsightSpan is the longest span of since and until.
const maxInsightSpan = 30 * 24 * time.Hour

// An insightQuery is what insights were asked for.
type insightQuery struct {
	metrics   []string
	breakdown string
}

// unknownBreakdown is Meta's own text for a breakdown that a metric does not have.
func unknownBreakdown() *apiError {
	return &apiError{code: 1, status: 400, message: "An unknown error has occurred."}
}

// getMediaInsights is GET /<media>/insights.
func getMediaInsights(c *call) (any, error) {
	q := insightQuery{metrics: c.params.list("metric"), breakdown: strings.Join(c.params.list("breakdown"), ",")}
	data, err := c.mediaInsights(c.node.(*Media), q)
	if err != nil {
		return nil, err
	}
	return data, nil
}

func (c *call) mediaInsights(m *Media, q insightQuery) (any, error) {
	if len(q.metrics) == 0 {
		return nil, missingParam("metric")
	}
	if m.ParentID != "" || m.Product == "LIVE" {
		return nil, badParam("Insights are not available for this media")
	}
	list := []object{}
	for i, name := range q.metrics {
		spec, known := mediaMetrics[name]
		switch {
		case !known || spec.facebook && c.flavour == flavourInstagram:
			return nil, badParam("metric[%d] must be one of the following values: %s", i, strings.Join(metricNames(mediaMetrics), ", "))
		case c.dead(name, m.At):
			return nil, deadMetric(c, name)
		case !slices.Contains(spec.products, m.Product):
			return nil, badParam("The Media Insights API does not support the %s metric for this media product type.", name)
		case spec.shared && !m.OnFacebook:
			return nil, badParam("The %s metric is only available for media that is shared to Facebook.", name)
		case q.breakdown != "" && q.breakdown != spec.breakdown:
			return nil, unknownBreakdown()
		}
		list = append(list, mediaInsight(m, name, q.breakdown))
	}
	if m.Product == "STORY" && m.Viewers < 5 {
		return nil, fail(10, "Not enough viewers for the media to show insights")
	}
	if len(m.Insights) == 0 {
		list = []object{} // no data is no item, never a zero
	}
	return object{{"data", list}}, nil
}

func mediaInsight(m *Media, name, breakdown string) object {
	source := name
	if alias := aliases[name]; alias != "" {
		source = alias
	}
	value := m.Insights[source]
	out := object{
		{"name", name}, {"period", "lifetime"}, {"values", []object{{{"value", value}}}},
		{"title", title(name)}, {"description", "The " + strings.ReplaceAll(name, "_", " ") + " of the media."},
		{"id", m.ID + "/insights/" + name + "/lifetime"},
	}
	if breakdown != "" {
		out = append(out, member{"total_value", object{{"value", value}, {"breakdowns", breakdowns(breakdown, value)}}})
	}
	return out
}

func title(metric string) string { return upperFirst(strings.ReplaceAll(metric, "_", " ")) }

// breakdowns spreads a value over the documented answers of a breakdown.
func breakdowns(key string, value int) []object {
	answers := breakdownValues[key]
	results := []object{}
	for i, n := range spread(value, len(answers)) {
		if n > 0 {
			results = append(results, object{{"dimension_values", []string{answers[i]}}, {"value", n}})
		}
	}
	return []object{{{"dimension_keys", []string{key}}, {"results", results}}}
}

// getAccountInsights is GET /<IG user>/insights.
func getAccountInsights(c *call) (any, error) {
	metrics := c.params.list("metric")
	if len(metrics) == 0 {
		return nil, missingParam("metric")
	}
	period := c.params.get("period")
	if period == "" {
		return nil, missingParam("period")
	}
	since, until, err := c.span()
	if err != nil {
		return nil, err
	}
	list := []object{}
	for i, name := range metrics {
		item, err := c.accountInsight(i, name, period, since, until)
		if err != nil {
			return nil, err
		}
		if item != nil {
			list = append(list, item)
		}
	}
	out := object{{"data", list}}
	if period == "lifetime" || len(list) == 0 {
		return out, nil
	}
	span := until.Sub(since)
	return append(out, member{"paging", object{
		{"previous", c.shifted(since.Add(-span), since)}, {"next", c.shifted(until, until.Add(span))},
	}}), nil
}

// span is what since and until say; without them the last 24 hours.
func (c *call) span() (since, until time.Time, err error) {
	if since, err = parseTime("since", c.params.get("since"), c.now); err != nil {
		return since, until, err
	}
	if until, err = parseTime("until", c.params.get("until"), c.now); err != nil {
		return since, until, err
	}
	if until.IsZero() {
		until = c.now
	}
	if since.IsZero() {
		since = until.Add(-24 * time.Hour)
	}
	switch {
	case since.After(until):
		return since, until, badParam("Param since must be before until")
	case until.Sub(since) > maxInsightSpan:
		return since, until, badParam("There cannot be more than 30 days (2592000 s) between since and until")
	}
	return since, until, nil
}

// shifted is the URL of the neighbouring span.
func (c *call) shifted(since, until time.Time) string {
	values := url.Values{}
	for key := range c.params {
		values.Set(key, c.params.get(key))
	}
	for _, key := range []string{"appsecret_proof", "appsecret_time", "method"} {
		values.Del(key)
	}
	values.Set("access_token", c.token.Value)
	values.Set("since", strconv.FormatInt(since.Unix(), 10))
	values.Set("until", strconv.FormatInt(until.Unix(), 10))
	return c.base(c.host) + "/" + c.usedVersion() + "/" + c.account.ID + "/insights?" + values.Encode()
}

// accountInsight makes one item; nil is one without data.
func (c *call) accountInsight(i int, name, period string, since, until time.Time) (object, error) {
	spec, known := userMetrics[name]
	kind := c.params.get("metric_type")
	breakdown := strings.Join(c.params.list("breakdown"), ",")
	switch {
	case !known:
		return nil, badParam("metric[%d] must be one of the following values: %s", i, strings.Join(metricNames(userMetrics), ", "))
	case c.dead(name, time.Time{}):
		return nil, deadMetric(c, name)
	case !slices.Contains(spec.periods, period):
		return nil, badParam("Incompatible period (%s) with metric %s", period, name)
	case kind != "" && kind != "time_series" && kind != "total_value" && kind != "default":
		return nil, badParam("metric_type must be one of the following values: time_series, total_value")
	case !spec.series && kind != "total_value":
		return nil, badParam("The following metrics (%s) should be specified with parameter metric_type=total_value", name)
	case !spec.total && kind == "total_value":
		return nil, badParam("The following metrics (%s) cannot be requested with metric_type=total_value", name)
	case breakdown != "" && (!slices.Contains(spec.breakdowns, breakdown) || kind != "total_value"):
		return nil, unknownBreakdown()
	}
	if err := c.checkTimeframe(spec, name); err != nil {
		return nil, err
	}
	value, there := c.account.Insights[name]
	if spec.timeframe {
		value, there = c.account.Followers, true
	}
	if !there || c.account.Followers < spec.followers {
		return nil, nil
	}
	out := object{
		{"name", name}, {"period", period}, {"title", title(name)},
		{"description", "The " + strings.ReplaceAll(name, "_", " ") + " of the account."},
	}
	if kind == "total_value" {
		total := object{{"value", value}}
		if breakdown != "" {
			total = object{{"value", value}, {"breakdowns", breakdowns(breakdown, value)}}
		}
		if spec.timeframe {
			total = object{{"breakdowns", breakdowns(breakdown, value)}}
		}
		out = append(out, member{"total_value", total})
	} else {
		out = append(out, member{"values", series(value, since, until)})
	}
	return append(out, member{"id", c.account.ID + "/insights/" + name + "/" + period}), nil
}

func (c *call) checkTimeframe(spec userMetric, name string) error {
	if !spec.timeframe {
		return nil
	}
	frame := c.params.get("timeframe")
	switch {
	case !c.params.has("breakdown"):
		return badParam("The metric %s needs the parameter breakdown", name)
	case frame == "" && name != "follower_demographics":
		return badParam("The metric %s needs the parameter timeframe", name)
	case slices.Contains(deadTimeframes, frame):
		return badParam("The timeframe %s is no longer supported from version v20.0. Use this_month or this_week.", frame)
	case frame != "" && !slices.Contains(liveTimeframes, frame):
		return badParam("timeframe must be one of the following values: %s", strings.Join(liveTimeframes, ", "))
	}
	return nil
}

// series has one value for each day of the span, ending at seven in the morning as Meta's do.
func series(value int, since, until time.Time) []object {
	list := []object{}
	day := time.Date(since.Year(), since.Month(), since.Day(), 7, 0, 0, 0, time.UTC)
	for ; !day.After(until); day = day.Add(24 * time.Hour) {
		if day.Before(since) {
			continue
		}
		n := value + int(day.Unix()/86400)%7*value/50
		list = append(list, object{{"value", n}, {"end_time", day}})
	}
	return list
}
