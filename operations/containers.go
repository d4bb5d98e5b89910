package operations

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// States of a container: a medium on its way to being published.
// Source: developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-container.
const (
	inProgress = "IN_PROGRESS"
	finished   = "FINISHED"
	published  = "PUBLISHED"
	expired    = "EXPIRED"
	broken     = "ERROR"
)

// content is what a container is made of. Its JSON names are those of the inputs;
// its parameters are Meta's.
type content struct {
	MediaType     string    `json:"media_type"`
	ImageURL      string    `json:"image_url"`
	VideoURL      string    `json:"video_url"`
	Caption       string    `json:"caption"`
	AltText       string    `json:"alt_text"`
	LocationID    string    `json:"location_id"`
	Collaborators []string  `json:"collaborators"`
	UserTags      []userTag `json:"user_tags"`
	ProductTags   []prodTag `json:"product_tags"`
	CoverURL      string    `json:"cover_url"`
	ThumbOffset   *int      `json:"thumb_offset"`
	AudioName     string    `json:"audio_name"`
	ShareToFeed   *bool     `json:"share_to_feed"`
	Trial         string    `json:"trial"`
	Children      []string  `json:"children"`
	CarouselItem  bool      `json:"is_carousel_item"`
}

type userTag struct {
	Username string       `json:"username"`
	X        *json.Number `json:"x,omitempty"`
	Y        *json.Number `json:"y,omitempty"`
}

type prodTag struct {
	ProductID string       `json:"product_id"`
	X         *json.Number `json:"x,omitempty"`
	Y         *json.Number `json:"y,omitempty"`
}

// params are Meta's parameters for the content. Lists are JSON in a form.
func (c content) params() (url.Values, error) {
	p := url.Values{}
	set := func(name, value string) {
		if value != "" {
			p.Set(name, value)
		}
	}
	set("media_type", c.MediaType)
	set("image_url", c.ImageURL)
	set("video_url", c.VideoURL)
	set("caption", c.Caption)
	set("alt_text", c.AltText)
	set("location_id", c.LocationID)
	set("cover_url", c.CoverURL)
	set("audio_name", c.AudioName)
	if c.ThumbOffset != nil {
		p.Set("thumb_offset", strconv.Itoa(*c.ThumbOffset))
	}
	if c.ShareToFeed != nil {
		p.Set("share_to_feed", strconv.FormatBool(*c.ShareToFeed))
	}
	if c.CarouselItem {
		p.Set("is_carousel_item", "true")
	}
	structured := map[string]any{}
	if len(c.Collaborators) > 0 {
		structured["collaborators"] = c.Collaborators
	}
	if len(c.UserTags) > 0 {
		structured["user_tags"] = c.UserTags
	}
	if len(c.ProductTags) > 0 {
		structured["product_tags"] = c.ProductTags
	}
	if len(c.Children) > 0 {
		structured["children"] = c.Children
	}
	if c.Trial != "" {
		structured["trial_params"] = map[string]string{"graduation_strategy": c.Trial}
	}
	for name, value := range structured {
		raw, err := marshal(value)
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", name, err)
		}
		p.Set(name, string(raw))
	}
	return p, nil
}

// createContainer makes a container. Whatever happens to the answer, nothing is
// published: a container that nobody publishes is gone after a day.
func (s *session) createContainer(ctx context.Context, account string, c content) (string, error) {
	params, err := c.params()
	if err != nil {
		return "", err
	}
	var out created
	if err := s.post(ctx, "/"+account+"/media", params, &out); err != nil {
		return "", err
	}
	return out.ID, nil
}

// container is how far Meta is with one.
type container struct {
	ID         string `json:"id"`
	StatusCode string `json:"status_code"`
	Status     string `json:"status"`
}

func (s *session) container(ctx context.Context, id string) (container, error) {
	var c container
	err := s.fields(ctx, "/"+id, "id,status_code,status", &c)
	return c, err
}

var subcodeInStatus = regexp.MustCompile(`\b22\d{5}\b`)

// wrong is why a container went wrong, as far as its status tells.
func (c container) wrong() error {
	if code, err := strconv.Atoi(subcodeInStatus.FindString(c.Status)); err == nil {
		if e, ok := graph.BySubcode(code); ok {
			e.Upstream.Message = c.Status
			return e
		}
	}
	return &connector.Error{
		Kind: connector.Refused, Applied: connector.AppliedNo, Message: "Instagram could not process the media.",
		Upstream: &connector.Upstream{Code: c.StatusCode, Message: c.Status},
	}
}

// await waits until a container is processed, and tells how it goes. Meta asks not
// to look more often than once a minute for long, so that the pauses grow.
func (s *session) await(ctx context.Context, id string, tell func(container)) (container, error) {
	for pause := s.poll; ; pause = min(pause*3/2, 12*s.poll) {
		c, err := s.container(ctx, id)
		if err != nil {
			return c, err
		}
		if c.StatusCode != inProgress {
			return c, nil
		}
		tell(c)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return c, &connector.Error{
				Kind: connector.Unavailable, Applied: connector.AppliedNo, Err: ctx.Err(),
				Message: "Instagram is still processing the media.", RetryAfter: 30 * time.Second,
			}
		}
	}
}

func createMediaContainer(a *api) connector.Operation {
	type input struct {
		PageID   string `json:"page_id"`
		IGUserID string `json:"ig_user_id"`
		content
	}
	op := handle(a, connector.Operation{
		Name:        "create_media_container",
		Title:       "Create media container",
		Summary:     "Hands a medium to Instagram for processing, to be published later.",
		Description: "A container lasts 24 hours; an account may create 400 in that time. *Publish photo* and its like do all the steps by themselves.",
		Effect:      connector.Write,
		Idempotency: connector.NotIdempotent,
		Scopes:      []string{basic, contentPublish, pagesRead},
	}, func(ctx context.Context, s *session, in input) (created, string, error) {
		if in.MediaType == "IMAGE" {
			in.MediaType = "" // it goes without saying, at Meta
		}
		id, err := s.createContainer(ctx, in.IGUserID, in.content)
		return created{ID: id}, "", located(err)
	})
	return connector.Validate(op, func(in input, known connector.Known) []connector.Problem {
		return checkContent(in.content, known)
	})
}

func getMediaContainer(a *api) connector.Operation {
	type input struct {
		ContainerID string `json:"container_id"`
	}
	return handle(a, connector.Operation{
		Name:    "get_media_container",
		Title:   "Get media container",
		Summary: "Tells whether a container is ready to be published.",
		Effect:  connector.Read,
		Scopes:  []string{basic, contentPublish, pagesRead},
	}, func(ctx context.Context, s *session, in input) (json.RawMessage, string, error) {
		return s.node(ctx, in.ContainerID, "id,status_code,status")
	})
}

func publishMediaContainer(a *api) connector.Operation {
	type input struct {
		PageID      string `json:"page_id"`
		IGUserID    string `json:"ig_user_id"`
		ContainerID string `json:"container_id"`
	}
	op := handle(a, connector.Operation{
		Name:        "publish_media_container",
		Title:       "Publish media container",
		Summary:     "Publishes a container that is ready.",
		Effect:      connector.Write,
		Idempotency: connector.NotIdempotent,
		Quotas:      []string{publishing},
		Scopes:      []string{basic, contentPublish, pagesRead},
	}, func(ctx context.Context, s *session, in input) (created, string, error) {
		id, err := s.publish(ctx, in.IGUserID, in.ContainerID)
		return created{ID: id}, "", err
	})
	return reconcile(a, op, func(ctx context.Context, s *session, in input, at time.Time) (created, bool, error) {
		c, err := s.container(ctx, in.ContainerID)
		if err != nil || c.StatusCode != published {
			return created{}, false, err
		}
		id, err := s.findPublished(ctx, in.IGUserID, content{MediaType: anyKind}, s.metaTime(at).Add(-clockSlack))
		return created{ID: id}, true, err
	})
}

// publish makes a container public. A container is published once, however often
// this is called.
func (s *session) publish(ctx context.Context, account, id string) (string, error) {
	var out created
	err := s.post(ctx, "/"+account+"/media_publish", url.Values{"creation_id": {id}}, &out)
	return out.ID, err
}

// anyKind stands for a medium of which nothing is known.
const anyKind = "*"

// findPublished looks for what a container became: Meta does not say, so it is the
// account's first medium since, of the same kind and with the same caption.
func (s *session) findPublished(ctx context.Context, account string, c content, since time.Time) (string, error) {
	edges, anyCaption := []string{"media"}, false
	switch c.MediaType {
	case "STORIES":
		edges = []string{"stories"}
	case anyKind:
		edges, anyCaption = []string{"media", "stories"}, true
	}
	for _, edge := range edges {
		var page struct {
			Data []struct {
				ID        string `json:"id"`
				Caption   string `json:"caption"`
				Timestamp string `json:"timestamp"`
			} `json:"data"`
		}
		if err := s.get(ctx, "/"+account+"/"+edge, url.Values{"fields": {"id,caption,timestamp"}, "limit": {"25"}}, &page); err != nil {
			return "", err
		}
		for _, m := range slices.Backward(page.Data) { // the first since, not the last
			at, ok := parseTime(m.Timestamp)
			if ok && !at.Before(since) && (anyCaption || edge == "stories" || m.Caption == c.Caption) {
				return m.ID, nil
			}
		}
	}
	return "", &connector.Error{
		Kind: connector.NotFound, Applied: connector.AppliedYes,
		Message: "The medium is published, but it is not among the newest media of the account.",
	}
}
