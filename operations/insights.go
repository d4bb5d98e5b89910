package operations

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/storyloop/storyloop/connector"
)

// insights is the output of the operations that read numbers.
type insights struct {
	Data    []json.RawMessage      `json:"data"`
	Values  map[string]json.Number `json:"values"`
	Skipped []skippedMetric        `json:"skipped_metrics"`
}

func getAccountInsights(a *api) connector.Operation {
	type input struct {
		PageID     string   `json:"page_id"`
		IGUserID   string   `json:"ig_user_id"`
		Metrics    []string `json:"metrics"`
		Period     string   `json:"period"`
		MetricType string   `json:"metric_type"`
		Breakdown  string   `json:"breakdown"`
		Since      string   `json:"since"`
		Until      string   `json:"until"`
		Strict     bool     `json:"strict"`
	}
	return handle(a, connector.Operation{
		Name:        "get_account_insights",
		Title:       "Get account insights",
		Summary:     "Reads the account's numbers: reach, views, interactions and more.",
		Description: "Without dates, of the last 24 hours. Meta is up to 48 hours behind, and leaves out what it has no data for. What the version of the API does not have is left out and listed in `skipped_metrics`.",
		Effect:      connector.Read,
		Items:       "/data",
		Scopes:      []string{basic, manageInsights, pagesRead},
	}, func(ctx context.Context, s *session, in input) (insights, string, error) {
		params := url.Values{"period": {firstOf(in.Period, "day")}, "metric_type": {firstOf(in.MetricType, "total_value")}}
		if in.Breakdown != "" {
			params.Set("breakdown", in.Breakdown)
		}
		setTime(params, "since", in.Since)
		setTime(params, "until", in.Until)
		return s.insights(ctx, "/"+in.IGUserID+"/insights", subject{product: user}, in.Metrics, in.Strict, params)
	})
}

func getMediaInsights(a *api) connector.Operation {
	type input struct {
		MediaID   string   `json:"media_id"`
		Metrics   []string `json:"metrics"`
		Breakdown string   `json:"breakdown"`
		Strict    bool     `json:"strict"`
	}
	return handle(a, connector.Operation{
		Name:        "get_media_insights",
		Title:       "Get media insights",
		Summary:     "Reads the numbers of a post, reel or story.",
		Description: "Which numbers there are depends on the kind of the medium and on the version of the API. What does not fit is left out and listed in `skipped_metrics`.",
		Effect:      connector.Read,
		Items:       "/data",
		Scopes:      []string{basic, manageInsights, pagesRead},
	}, func(ctx context.Context, s *session, in input) (insights, string, error) {
		of, err := s.subjectOf(ctx, in.MediaID)
		if err != nil {
			return insights{}, "", err
		}
		return s.mediaInsights(ctx, in.MediaID, of, in.Metrics, in.Breakdown, in.Strict)
	})
}

// subjectOf asks of which product a medium is, as insights tell them apart, and of
// when.
func (s *session) subjectOf(ctx context.Context, id string) (subject, error) {
	var media struct {
		Product   string `json:"media_product_type"`
		Timestamp string `json:"timestamp"`
	}
	err := s.fields(ctx, "/"+id, "media_product_type,timestamp", &media)
	of := subject{product: feed}
	if media.Product == reels || media.Product == story {
		of.product = media.Product
	}
	of.published, _ = parseTime(media.Timestamp)
	return of, err
}

func getStoryInsights(a *api) connector.Operation {
	type input struct {
		StoryID   string   `json:"story_id"`
		Metrics   []string `json:"metrics"`
		Breakdown string   `json:"breakdown"`
		Strict    bool     `json:"strict"`
	}
	return handle(a, connector.Operation{
		Name:        "get_story_insights",
		Title:       "Get story insights",
		Summary:     "Reads the numbers of a story.",
		Description: "They can be read while the story is up, once five people have seen it. The final numbers come with the trigger *Story expired*.",
		Effect:      connector.Read,
		Items:       "/data",
		Scopes:      []string{basic, manageInsights, pagesRead},
	}, func(ctx context.Context, s *session, in input) (insights, string, error) {
		return s.mediaInsights(ctx, in.StoryID, subject{product: story, published: s.now()}, in.Metrics, in.Breakdown, in.Strict)
	})
}

func (s *session) mediaInsights(ctx context.Context, id string, of subject, wanted []string, breakdown string, strict bool) (insights, string, error) {
	params := url.Values{}
	if breakdown != "" {
		params.Set("breakdown", breakdown)
	}
	out, next, err := s.insights(ctx, "/"+id+"/insights", of, wanted, strict, params)
	// Meta has one code for a permission that is missing and for a story that hardly
	// anybody has seen.
	if isCode(err, 10, 0) && of.product == story && slices.Contains(s.call.Credential.Scopes, manageInsights) {
		few := precondition("Fewer than five people have seen the story.", "Wait until more have seen it.")
		few.Err = err
		return insights{}, "", few
	}
	return out, next, err
}

// insights asks for the metrics that there are.
func (s *session) insights(ctx context.Context, path string, of subject, wanted []string, strict bool, params url.Values) (insights, string, error) {
	ask, skipped := s.choose(wanted, of)
	if strict && len(skipped) > 0 || len(ask) == 0 {
		return insights{}, "", refuseMetrics(wanted, skipped)
	}
	params.Set("metric", strings.Join(ask, ","))
	var answer struct {
		Data []json.RawMessage `json:"data"`
	}
	if err := s.get(ctx, path, params, &answer); err != nil {
		return insights{}, "", err
	}
	out := insights{Data: answer.Data, Values: map[string]json.Number{}, Skipped: skipped}
	if out.Data == nil {
		out.Data = []json.RawMessage{}
	}
	if out.Skipped == nil {
		out.Skipped = []skippedMetric{}
	}
	for _, raw := range answer.Data {
		if name, value, ok := oneValue(raw); ok {
			out.Values[name] = value
		}
	}
	return out, "", nil
}

// oneValue returns the number of an insight that has a single one.
func oneValue(raw json.RawMessage) (string, json.Number, bool) {
	var item struct {
		Name   string `json:"name"`
		Values []struct {
			Value json.RawMessage `json:"value"`
		} `json:"values"`
		Total struct {
			Value json.RawMessage `json:"value"`
		} `json:"total_value"`
	}
	if json.Unmarshal(raw, &item) != nil {
		return "", "", false
	}
	value := item.Total.Value
	if len(value) == 0 && len(item.Values) == 1 {
		value = item.Values[0].Value
	}
	var n json.Number
	if json.Unmarshal(value, &n) != nil || n == "" {
		return "", "", false
	}
	return item.Name, n, true
}

// refuseMetrics says which metrics cannot be had, each where it stands.
func refuseMetrics(wanted []string, skipped []skippedMetric) error {
	e := connector.Invalid("/metrics", "no_metrics", "Instagram does not have these metrics.")
	e.Problems = nil
	for _, m := range skipped {
		p := problem(pointerTo("/metrics", slices.Index(wanted, m.Metric)), "metric_"+m.Reason, reasons[m.Reason], "Leave it out.")
		if m.Successor != "" {
			p.Detail = "Use " + m.Successor + " instead."
		}
		e.Problems = append(e.Problems, p)
	}
	return e
}

var reasons = map[string]string{
	metricUnknown:  "There is no such metric.",
	metricGone:     "The version of the API does not have this metric any more.",
	metricElse:     "Only media of another kind have this metric.",
	metricFacebook: "Only Facebook Login has this metric.",
}

func getAudienceDemographics(a *api) connector.Operation {
	type input struct {
		PageID    string `json:"page_id"`
		IGUserID  string `json:"ig_user_id"`
		Audience  string `json:"audience"`
		Breakdown string `json:"breakdown"`
		Timeframe string `json:"timeframe"`
	}
	type group struct {
		Group json.RawMessage `json:"dimension_values"`
		Value json.Number     `json:"value"`
	}
	type output struct {
		Data []group `json:"data"`
	}
	return handle(a, connector.Operation{
		Name:        "get_audience_demographics",
		Title:       "Get audience demographics",
		Summary:     "Tells where the account's audience lives, how old it is, or its gender.",
		Description: "Meta tells at most the 45 largest groups, and nothing below 100 followers or engagements.",
		Effect:      connector.Read,
		Items:       "/data",
		Scopes:      []string{basic, manageInsights, pagesRead},
	}, func(ctx context.Context, s *session, in input) (output, string, error) {
		if in.Timeframe != "" && in.Timeframe != "this_week" && in.Timeframe != "this_month" && s.graph.AtLeast("v20.0") {
			return output{}, "", connector.Invalid("/timeframe", "gone", "The version of the API does not have this time frame any more; use this_week or this_month.")
		}
		params := url.Values{
			"metric": {in.Audience}, "period": {"lifetime"}, "metric_type": {"total_value"}, "breakdown": {in.Breakdown},
		}
		if in.Timeframe != "" {
			params.Set("timeframe", in.Timeframe)
		}
		var answer struct {
			Data []struct {
				Total struct {
					Breakdowns []struct {
						Results []group `json:"results"`
					} `json:"breakdowns"`
				} `json:"total_value"`
			} `json:"data"`
		}
		if err := s.get(ctx, "/"+in.IGUserID+"/insights", params, &answer); err != nil {
			return output{}, "", err
		}
		out := output{Data: []group{}}
		for _, d := range answer.Data {
			for _, b := range d.Total.Breakdowns {
				out.Data = append(out.Data, b.Results...)
			}
		}
		return out, "", nil
	})
}
