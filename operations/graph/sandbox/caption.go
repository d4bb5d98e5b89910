package sandbox

import (
	"encoding/json"
	"strings"
)

// fillExtras are caption, tags and the rest.
func (c *call) fillExtras(ct *container) error {
	if !ct.item {
		if err := c.fillCaption(ct); err != nil {
			return err
		}
	}
	for _, step := range []func(*container) error{c.fillTags, c.fillProducts, c.fillCollaborators, c.fillPlace, c.fillText} {
		if err := step(ct); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) fillCaption(ct *container) error {
	caption := c.params.get("caption")
	switch {
	case len([]rune(caption)) > 2200:
		return publishError(36004, 2207010, "Caption too long", "The submitted caption is too long. It should be less than 2,200 characters.")
	case strings.Count(caption, "@") > 20:
		return publishError(100, 2207040, "Too many tags", "You cannot use more than 20 @tags in the caption.")
	case strings.Count(caption, "#") > 30:
		return badParam("The caption has more than 30 hashtags")
	}
	ct.media.Caption = caption
	return nil
}

func (c *call) fillTags(ct *container) error {
	if !c.params.has("user_tags") {
		return nil
	}
	var tags []struct {
		Username string   `json:"username"`
		X        *float64 `json:"x"`
		Y        *float64 `json:"y"`
	}
	if err := c.params.decode("user_tags", &tags); err != nil {
		return badParam("Param user_tags must be an array")
	}
	for i, t := range tags {
		placed := t.X != nil && t.Y != nil
		switch {
		case t.Username == "":
			return badParam("Param user_tags[%d] has no username", i)
		case !placed && ct.media.Type == "IMAGE" && !ct.story:
			return badParam("Param user_tags[%d] has no x and y", i)
		case placed && (*t.X < 0 || *t.X > 1 || *t.Y < 0 || *t.Y > 1):
			return badParam("Param user_tags[%d]: x and y must be from 0.0 to 1.0", i)
		case c.s.st.profiles[strings.ToLower(t.Username)].id == "":
			return badParam("Param user_tags[%d]: the user %s cannot be tagged", i, t.Username)
		}
		tag := UserTag{Username: t.Username}
		if placed {
			tag.X, tag.Y = *t.X, *t.Y
		}
		ct.media.Tags = append(ct.media.Tags, tag)
	}
	return nil
}

func (c *call) fillProducts(ct *container) error {
	if !c.params.has("product_tags") {
		return nil
	}
	if c.flavour == flavourInstagram {
		return badParam("Param product_tags is not supported with Instagram Login")
	}
	tags, err := c.readProductTags("product_tags", ct.media.Type == "VIDEO")
	ct.media.Products = tags
	return err
}

func (c *call) fillCollaborators(ct *container) error {
	names := c.params.list("collaborators")
	if len(names) == 0 {
		return nil
	}
	if c.flavour == flavourInstagram || len(names) > 3 || ct.story || ct.item {
		return badParam("Param collaborators takes up to 3 usernames, for images, reels and carousels, with Facebook Login")
	}
	for _, name := range names {
		who := c.s.st.profiles[strings.ToLower(name)]
		if who.id == "" {
			return badParam("Param collaborators: the user %s cannot be invited", name)
		}
		ct.media.Collabs = append(ct.media.Collabs, Collaborator{ID: who.id, Username: who.username, Status: "Pending"})
	}
	return nil
}

func (c *call) fillPlace(ct *container) error {
	id := c.params.get("location_id")
	if id == "" || ct.item {
		return nil
	}
	if p := c.s.st.pages[id]; p == nil || !p.HasLocation {
		return &apiError{code: 100, message: "INSTAGRAM_PLATFORM_API__INVALID_LOCATION_ID"}
	}
	return nil
}

func (c *call) fillText(ct *container) error {
	if alt := c.params.get("alt_text"); alt != "" {
		if ct.media.Type != "IMAGE" || len([]rune(alt)) > 1000 {
			return badParam("Param alt_text takes up to 1000 characters, for images")
		}
		ct.media.AltText = alt
	}
	if c.params.has("trial_params") {
		var trial struct {
			Strategy string `json:"graduation_strategy"`
		}
		if err := c.params.decode("trial_params", &trial); err != nil || ct.media.Product != "REELS" || trial.Strategy != "MANUAL" && trial.Strategy != "SS_PERFORMANCE" {
			return badParam("Param trial_params needs graduation_strategy MANUAL or SS_PERFORMANCE, for reels")
		}
	}
	if sponsors := c.params.list("branded_content_sponsor_ids"); len(sponsors) > 2 {
		return badParam("Param branded_content_sponsor_ids takes up to 2 ids")
	}
	return nil
}

// readProductTags reads and checks [{product_id,x,y}].
func (c *call) readProductTags(param string, video bool) ([]ProductTag, error) {
	var tags []struct {
		ProductID json.RawMessage `json:"product_id"`
		X         *float64        `json:"x"`
		Y         *float64        `json:"y"`
	}
	if err := c.params.decode(param, &tags); err != nil {
		return nil, badParam("Param %s must be an array", param)
	}
	most := 5
	if video {
		most = 30
	}
	if len(tags) > most {
		return nil, badParam("Param %s takes up to %d products", param, most)
	}
	var list []ProductTag
	for _, t := range tags {
		id := jsonText(t.ProductID)
		placed := t.X != nil && t.Y != nil
		switch {
		case c.s.st.products[id] == nil:
			return nil, publishError(100, 2207037, "Invalid product tag", "The product with id "+id+" cannot be tagged.")
		case video && placed:
			return nil, publishError(100, 2207035, "Positions are not supported", "Product tag positions should not be specified for video media.")
		case !video && !placed:
			return nil, publishError(100, 2207036, "Positions are required", "Product tag positions are required for photo media.")
		}
		tag := ProductTag{ProductID: json.Number(id)}
		if placed {
			tag.X, tag.Y = *t.X, *t.Y
		}
		list = append(list, tag)
	}
	return list, nil
}
