package operations

import (
	"github.com/storyloop/storyloop/connector"
)

// poster is who publishes, and what is common to posts.
type poster struct {
	PageID        string   `json:"page_id"`
	IGUserID      string   `json:"ig_user_id"`
	Caption       string   `json:"caption"`
	LocationID    string   `json:"location_id"`
	Collaborators []string `json:"collaborators"`
}

func (p poster) content() content {
	return content{Caption: p.Caption, LocationID: p.LocationID, Collaborators: p.Collaborators}
}

func publishPhoto(a *api) connector.Operation {
	type input struct {
		poster
		ImageURL    string    `json:"image_url"`
		AltText     string    `json:"alt_text"`
		UserTags    []userTag `json:"user_tags"`
		ProductTags []prodTag `json:"product_tags"`
	}
	of := func(in input) content {
		c := in.content()
		c.ImageURL, c.AltText, c.UserTags, c.ProductTags = in.ImageURL, in.AltText, in.UserTags, in.ProductTags
		return c
	}
	op := publishes(a, connector.Operation{
		Name:        "publish_photo",
		Title:       "Publish photo",
		Summary:     "Publishes a photo in the account's feed.",
		Description: "Instagram fetches the photo from its URL: JPEG, up to 8 MB, between 4:5 and 1.91:1.",
	}, func(in input) (string, content, []content) { return in.IGUserID, of(in), nil })
	return connector.Validate(op, func(in input, known connector.Known) []connector.Problem {
		return append(checkContent(of(in), known), checkPositions("/user_tags", in.UserTags, known)...)
	})
}

func publishReel(a *api) connector.Operation {
	type input struct {
		poster
		VideoURL    string    `json:"video_url"`
		CoverURL    string    `json:"cover_url"`
		ThumbOffset *int      `json:"thumb_offset"`
		AudioName   string    `json:"audio_name"`
		ShareToFeed *bool     `json:"share_to_feed"`
		Trial       string    `json:"trial"`
		UserTags    []userTag `json:"user_tags"`
		ProductTags []prodTag `json:"product_tags"`
	}
	of := func(in input) content {
		c := in.content()
		c.MediaType, c.VideoURL, c.CoverURL, c.ThumbOffset, c.AudioName = "REELS", in.VideoURL, in.CoverURL, in.ThumbOffset, in.AudioName
		c.ShareToFeed, c.Trial, c.UserTags, c.ProductTags = in.ShareToFeed, in.Trial, in.UserTags, in.ProductTags
		return c
	}
	op := publishes(a, connector.Operation{
		Name:        "publish_reel",
		Title:       "Publish reel",
		Summary:     "Publishes a video as a reel.",
		Description: "Instagram fetches the video from its URL: MOV or MP4, up to 300 MB, 3 seconds to 15 minutes.",
	}, func(in input) (string, content, []content) { return in.IGUserID, of(in), nil })
	return connector.Validate(op, func(in input, known connector.Known) []connector.Problem {
		return checkContent(of(in), known)
	})
}

func publishStory(a *api) connector.Operation {
	type input struct {
		PageID   string    `json:"page_id"`
		IGUserID string    `json:"ig_user_id"`
		ImageURL string    `json:"image_url"`
		VideoURL string    `json:"video_url"`
		UserTags []userTag `json:"user_tags"`
	}
	of := func(in input) content {
		return content{MediaType: "STORIES", ImageURL: in.ImageURL, VideoURL: in.VideoURL, UserTags: in.UserTags}
	}
	op := publishes(a, connector.Operation{
		Name:        "publish_story",
		Title:       "Publish story",
		Summary:     "Publishes a photo or video as a story.",
		Description: "Instagram fetches it from its URL: JPEG up to 8 MB, or a video up to 100 MB and of 3 to 60 seconds.",
	}, func(in input) (string, content, []content) { return in.IGUserID, of(in), nil })
	return connector.Validate(op, func(in input, known connector.Known) []connector.Problem {
		return checkContent(of(in), known)
	})
}

// carouselItem is one photo or video of a carousel.
type carouselItem struct {
	ImageURL    string    `json:"image_url"`
	VideoURL    string    `json:"video_url"`
	AltText     string    `json:"alt_text"`
	UserTags    []userTag `json:"user_tags"`
	ProductTags []prodTag `json:"product_tags"`
}

func (i carouselItem) content() content {
	c := content{CarouselItem: true, ImageURL: i.ImageURL, VideoURL: i.VideoURL, AltText: i.AltText, UserTags: i.UserTags, ProductTags: i.ProductTags}
	if i.VideoURL != "" {
		c.MediaType = "VIDEO"
	}
	return c
}

func publishCarousel(a *api) connector.Operation {
	type input struct {
		poster
		Items []carouselItem `json:"items"`
	}
	op := publishes(a, connector.Operation{
		Name:        "publish_carousel",
		Title:       "Publish carousel",
		Summary:     "Publishes 2 to 10 photos and videos as one post.",
		Description: "Instagram fetches each item from its URL, and crops all to the shape of the first.",
	}, func(in input) (string, content, []content) {
		var items []content
		for _, i := range in.Items {
			items = append(items, i.content())
		}
		main := in.content()
		main.MediaType = "CAROUSEL"
		return in.IGUserID, main, items
	})
	return connector.Validate(op, func(in input, known connector.Known) []connector.Problem {
		var found []connector.Problem
		if known("/caption") {
			found = checkCaption("/caption", in.Caption)
		}
		for i, item := range in.Items {
			at := pointerTo("/items", i)
			if (item.ImageURL == "") == (item.VideoURL == "") && known(at+"/image_url") && known(at+"/video_url") {
				found = append(found, problem(at, "one_of", "An item has either an image or a video.", "Give image_url or video_url."))
			}
			found = append(found, checkURL(at+"/image_url", item.ImageURL, known)...)
			found = append(found, checkURL(at+"/video_url", item.VideoURL, known)...)
		}
		return found
	})
}

// checkPositions says which tags of a photo lack a position.
func checkPositions(pointer string, tags []userTag, known connector.Known) []connector.Problem {
	var found []connector.Problem
	for i, tag := range tags {
		at := pointerTo(pointer, i)
		if (tag.X == nil && known(at+"/x")) || (tag.Y == nil && known(at+"/y")) {
			found = append(found, problem(at, "missing_position", "A tag on a photo needs a position.", "Give x and y, from 0 to 1."))
		}
	}
	return found
}
