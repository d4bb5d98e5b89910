package operations

import (
	"slices"

	"github.com/storyloop/storyloop/connector"
)

// impliedScopes says which of today's names for permissions with Facebook Login a
// granted permission stands for: names of older versions, and the names that
// Instagram Login has for the same. Operations name theirs in Facebook Login's
// terms, so that a host compares one set of names.
// Source: developers.facebook.com/docs/instagram-platform/changelog (2025-01-27).
var impliedScopes = map[string][]string{
	"manage_pages":    {pagesShowList, pagesMetadata, pagesRead, "pages_messaging"},
	"pages_messaging": {manageMessages},

	"instagram_business_basic":           {basic, pagesShowList, pagesRead, pagesMetadata},
	"instagram_business_manage_comments": {manageComments},
	"instagram_business_manage_messages": {manageMessages},
	"instagram_business_manage_insights": {manageInsights},
	"instagram_business_content_publish": {contentPublish},

	"business_basic":           {"instagram_business_basic"},
	"business_manage_comments": {"instagram_business_manage_comments"},
	"business_manage_messages": {"instagram_business_manage_messages"},
	"business_content_publish": {"instagram_business_content_publish"},
}

// understood returns granted permissions with all that they imply, sorted.
func understood(granted []string) []string {
	all := slices.Clone(granted)
	for i := 0; i < len(all); i++ {
		for _, implied := range impliedScopes[all[i]] {
			if !slices.Contains(all, implied) {
				all = append(all, implied)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// instagramScopes are the permissions of Instagram Login.
var instagramScopes = []string{
	"instagram_business_basic",
	"instagram_business_manage_comments",
	"instagram_business_manage_messages",
	"instagram_business_content_publish",
	"instagram_business_manage_insights",
}

// facebookScopes are the permissions of Facebook Login.
var facebookScopes = []string{
	basic, pagesShowList, pagesRead, pagesMetadata, manageComments, manageMessages, manageInsights,
	contentPublish, manageContents, catalogs, shoppingTag, "business_management",
}

// scopes describes permissions for people.
func scopes(names []string) []connector.Scope {
	var out []connector.Scope
	for _, name := range names {
		out = append(out, connector.Scope{Name: name, Summary: scopeSummaries[name], Default: !slices.Contains(rareScopes, name)})
	}
	return out
}

// rareScopes are asked for only if somebody wants them.
var rareScopes = []string{manageContents, catalogs, shoppingTag}

var scopeSummaries = map[string]string{
	basic:                                "Read the profile and media of the Instagram account.",
	pagesShowList:                        "List the Pages that the user manages.",
	pagesRead:                            "Read what the Pages and their Instagram accounts publish.",
	pagesMetadata:                        "Have webhooks sent for the Pages.",
	manageComments:                       "Read, write, hide and delete comments; read and answer mentions.",
	manageMessages:                       "Read and send messages.",
	manageInsights:                       "Read insights, and other professional accounts' public numbers.",
	contentPublish:                       "Publish photos, reels, carousels and stories.",
	manageContents:                       "Delete media of the account.",
	catalogs:                             "Read the product catalogs.",
	shoppingTag:                          "Tag products in media.",
	"business_management":                "See Pages that belong to a business.",
	"instagram_business_basic":           "Read the profile and media of the Instagram account.",
	"instagram_business_manage_comments": "Read, write, hide and delete comments.",
	"instagram_business_manage_messages": "Read and send messages.",
	"instagram_business_content_publish": "Publish photos, reels, carousels and stories.",
	"instagram_business_manage_insights": "Read insights.",
}
