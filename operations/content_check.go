package operations

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/storyloop/storyloop/connector"
)

// Limits of what can be published.
// Source: developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media.
const (
	maxCaption  = 2200 // characters
	maxTags     = 30   // hashtags in a caption
	maxMentions = 20   // mentions in a caption
	maxProducts = 5    // product tags; a reel takes 30, as its schema says
)

// checkCaption says what a caption has too much of.
func checkCaption(pointer, caption string) []connector.Problem {
	var found []connector.Problem
	if n := utf8.RuneCountInString(caption); n > maxCaption {
		found = append(found, problem(pointer, "too_long", "The caption is too long.", "Use at most 2,200 characters."))
	}
	if countWords(caption, '#') > maxTags {
		found = append(found, problem(pointer, "too_many_hashtags", "The caption has too many hashtags.", "Use at most 30."))
	}
	if countWords(caption, '@') > maxMentions {
		found = append(found, problem(pointer, "too_many_mentions", "The caption mentions too many accounts.", "Use at most 20 mentions."))
	}
	return found
}

// countWords counts the words that begin with a sign.
func countWords(text string, sign byte) int {
	n := 0
	for word := range strings.FieldsSeq(text) {
		for i := range len(word) - 1 {
			if word[i] == sign && word[i+1] != sign {
				n++
			}
		}
	}
	return n
}

// checkURL says what keeps Meta from fetching a file.
func checkURL(pointer, address string, known connector.Known) []connector.Problem {
	if address == "" || !known(pointer) {
		return nil
	}
	if strings.ContainsFunc(address, func(r rune) bool { return r > '~' || r <= ' ' }) {
		return []connector.Problem{problem(pointer, "not_ascii", "The URL has a character that Instagram does not take.", "Escape it with %, or use a URL of ASCII letters.")}
	}
	return nil
}

// checkContent says what of a container does not fit its kind.
func checkContent(c content, known connector.Known) []connector.Problem {
	var found []connector.Problem
	need := func(ok bool, pointer, code, summary, detail string) {
		if !ok && known(pointer) {
			found = append(found, problem(pointer, code, summary, detail))
		}
	}
	only := func(set bool, pointer string, kinds ...string) {
		need(!set || !known("/media_type") || slices.Contains(kinds, c.MediaType), pointer, "does_not_fit",
			"This does not go with the media type.", "Leave it out, or use "+strings.Join(kinds, " or ")+".")
	}
	image, video := c.ImageURL != "", c.VideoURL != ""
	switch {
	case !known("/media_type"):
	case c.MediaType == "CAROUSEL":
		need(len(c.Children) >= 2, "/children", "missing_property", "A carousel needs 2 to 10 containers of its items.", "Create them first, with is_carousel_item.")
	case c.MediaType == "STORIES":
		need(image != video || !known("/image_url") || !known("/video_url"), "/image_url", "one_of", "A story has either an image or a video.", "Give image_url or video_url.")
	case c.MediaType == "REELS" || c.MediaType == "VIDEO":
		need(video, "/video_url", "missing_property", "The URL of the video is missing.", "Give video_url.")
	default:
		need(image, "/image_url", "missing_property", "The URL of the image is missing.", "Give image_url.")
	}
	need(c.MediaType != "VIDEO" || c.CarouselItem || !known("/is_carousel_item"), "/media_type", "gone", "A video of its own is a reel.", "Use REELS; VIDEO is for items of a carousel.")
	need(!c.CarouselItem || c.Caption == "", "/caption", "does_not_fit", "An item of a carousel has no caption.", "Give the carousel a caption.")
	only(image, "/image_url", "", "IMAGE", "STORIES")
	only(video, "/video_url", "VIDEO", "REELS", "STORIES")
	only(len(c.Children) > 0, "/children", "CAROUSEL")
	only(c.AltText != "", "/alt_text", "", "IMAGE")
	for pointer, set := range map[string]bool{"/cover_url": c.CoverURL != "", "/audio_name": c.AudioName != "", "/share_to_feed": c.ShareToFeed != nil, "/trial": c.Trial != ""} {
		only(set, pointer, "REELS")
	}
	need(len(c.ProductTags) <= maxProducts || c.MediaType == "REELS" || !known("/media_type"), "/product_tags", "too_many",
		"Only a reel takes more than 5 product tags.", "Use at most 5.")
	if known("/caption") {
		found = append(found, checkCaption("/caption", c.Caption)...)
	}
	for pointer, address := range map[string]string{"/image_url": c.ImageURL, "/video_url": c.VideoURL, "/cover_url": c.CoverURL} {
		found = append(found, checkURL(pointer, address, known)...)
	}
	slices.SortStableFunc(found, func(a, b connector.Problem) int { return strings.Compare(a.Pointer, b.Pointer) })
	return found
}
