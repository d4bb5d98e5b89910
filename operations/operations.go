// Package operations is the Instagram connector: what it can do, and how. Each
// file is one subject of the catalog, each function one operation; what they
// share is in session.go. The schemas are files of their own, in package schemas,
// under the same names.
package operations

import (
	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/schemas"
)

// Instagram returns the connector. The version is that of the connector itself;
// the version of Meta's API is a setting.
func Instagram(version string) connector.Spec {
	a := newAPI(version)
	return connector.Spec{
		Name:             "instagram",
		Version:          version,
		Title:            "Instagram",
		Summary:          "Reads and writes professional Instagram accounts through Meta's API: stories, media, comments, mentions, messages, insights.",
		DocumentationURL: "https://developers.facebook.com/docs/instagram-platform",
		Schemas:          schemas.FS,
		Configure:        a.configure,
		AuthMethods: []connector.AuthMethod{
			facebookLoginMethod(a),
			instagramLoginMethod(a),
			accessToken(a),
		},
		Operations: []connector.Operation{
			listPages(a),
			listMedia(a),
			getMedia(a),
			listStories(a),
			getStory(a),
			getMentionedComment(a),
			getMentionedMedia(a),
			replyToMention(a),
			rawHTTPRequest(a),
		},
		OptionLists: []connector.OptionList{
			pageOptions(a),
			igUserOptions(a),
		},
		Triggers: triggers(a),
		Quotas:   quotaHints(),
		Receive:  receive,
	}
}
