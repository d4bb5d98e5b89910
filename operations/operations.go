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
			getProfile(a),
			getBusinessProfile(a),
			getPublishingLimit(a),
			getAccountInsights(a),
			getAudienceDemographics(a),

			listMedia(a),
			getMedia(a),
			listMediaChildren(a),
			listStories(a),
			getStory(a),
			listLiveMedia(a),
			listTaggedMedia(a),
			getMediaInsights(a),
			getStoryInsights(a),
			deleteMedia(a),
			setCommentsEnabled(a),

			publishPhoto(a),
			publishReel(a),
			publishCarousel(a),
			publishStory(a),
			createMediaContainer(a),
			getMediaContainer(a),
			publishMediaContainer(a),
			listCollaborationInvites(a),
			answerCollaborationInvite(a),

			listComments(a),
			getComment(a),
			listCommentReplies(a),
			createComment(a),
			replyToComment(a),
			setCommentHidden(a),
			deleteComment(a),
			listUnansweredComments(a),

			getMentionedComment(a),
			getMentionedMedia(a),
			replyToMention(a),

			searchHashtag(a),
			getHashtag(a),
			listHashtagTopMedia(a),
			listHashtagRecentMedia(a),
			listSearchedHashtags(a),

			sendTextMessage(a),
			sendMediaMessage(a),
			sendSticker(a),
			shareMedia(a),
			sendGenericTemplate(a),
			sendButtonTemplate(a),
			sendProductTemplate(a),
			sendPrivateReply(a),
			setMessageReaction(a),
			setSenderAction(a),
			uploadAttachment(a),

			listConversations(a),
			listMessages(a),
			getMessage(a),
			getSenderProfile(a),
			getMessagingWindow(a),
			moderateConversation(a),
			passThreadControl(a),
			takeThreadControl(a),
			releaseThreadControl(a),
			getThreadOwner(a),

			getMessengerProfile(a),
			setIceBreakers(a),
			deleteIceBreakers(a),
			setPersistentMenu(a),
			deletePersistentMenu(a),

			listCatalogs(a),
			searchCatalogProducts(a),
			getProductTags(a),
			setProductTags(a),

			rawHTTPRequest(a),
			inspectToken(a),
			listWebhookSubscriptions(a),
		},
		OptionLists: []connector.OptionList{
			pageOptions(a),
			igUserOptions(a),
			mediaOptions(a),
			storyOptions(a),
			commentOptions(a),
			conversationOptions(a),
			searchedHashtagOptions(a),
			catalogOptions(a),
			metricOptions(a),
		},
		Triggers: triggers(a),
		Quotas:   quotaHints(),
		Errors:   errorDocs(),
		Receive:  receive,
	}
}
