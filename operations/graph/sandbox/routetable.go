package sandbox

import "net/http"

// Scope sets of the documented operations, one for each flavour (alternatives with |).
const (
	fbBasic     = "instagram_basic pages_read_engagement"
	fbList      = "instagram_basic pages_read_engagement|pages_show_list"
	fbComments  = fbBasic + " instagram_manage_comments"
	fbMentions  = "instagram_basic instagram_manage_comments pages_read_engagement pages_show_list"
	fbInsights  = "instagram_basic instagram_manage_insights pages_read_engagement"
	fbPublish   = "instagram_basic instagram_content_publish pages_read_engagement"
	fbMessaging = "instagram_basic instagram_manage_messages pages_manage_metadata"
	fbShopping  = fbPublish + " catalog_management instagram_shopping_tag_products"

	igBasic     = "instagram_business_basic"
	igComments  = igBasic + " instagram_business_manage_comments"
	igInsights  = igBasic + " instagram_business_manage_insights"
	igPublish   = igBasic + " instagram_business_content_publish"
	igMessaging = igBasic + " instagram_business_manage_messages"
)

// routeTable is every operation of the sandbox.
func routeTable() map[routeKey]*route {
	t := map[routeKey]*route{}
	platformRoutes(t)
	accountRoutes(t)
	mediaRoutes(t)
	messagingRoutes(t)
	insightRoutes(t)
	discoveryRoutes(t)
	return t
}

// add puts a route into the table and names it after its method and path.
func add(t map[routeKey]*route, method, kind, edge, facebook, insta string, r route, handle func(*call) (any, error)) {
	r.facebook, r.insta, r.handle = needs(facebook), needs(insta), handle
	path := kind
	if kind != "" && edge != "" {
		path += "/"
	}
	r.name = method + " /" + path + edge
	t[routeKey{kind, edge, method}] = &r
}

func platformRoutes(t map[routeKey]*route) {
	fb, ig := route{only: facebookOnly}, route{only: instagramOnly}
	free := route{only: facebookOnly, free: true}
	add(t, http.MethodGet, kindRoot, "oauth/access_token", "", "", free, facebookToken)
	add(t, http.MethodPost, kindRoot, "oauth/access_token", "", "", free, facebookToken)
	add(t, http.MethodPost, hostInstagramAPI, "oauth/access_token", "", "", free, instagramCode)
	for host, path := range map[string]string{hostFacebook: "dialog/oauth", hostInstagram: "oauth/authorize"} {
		add(t, http.MethodGet, host, path, "", "", free, showDialog)
		add(t, http.MethodPost, host, path, "", "", free, decideDialog)
	}
	add(t, http.MethodGet, hostCDN, "", "", "", free, serveCDN)
	add(t, http.MethodGet, hostMessageCDN, "", "", "", free, serveMessageCDN)
	add(t, http.MethodPost, hostUpload, "ig-api-upload", "", "", free, upload)
	add(t, http.MethodGet, hostUpload, "ig-api-upload", "", "", free, uploadState)
	add(t, http.MethodPost, kindRoot, "batch", "", "", route{only: facebookOnly, budget: budgetNone}, runBatch)
	freeIG := route{only: instagramOnly, free: true}
	add(t, http.MethodGet, kindRoot, "access_token", "", "", freeIG, exchangeInstagram)
	add(t, http.MethodGet, kindRoot, "refresh_access_token", "", "", freeIG, refreshInstagram)
	add(t, http.MethodGet, kindRoot, "debug_token", "", "", fb, debugToken)
	add(t, http.MethodGet, kindRoot, "ids", "", "", route{}, getIDs)

	add(t, http.MethodGet, kindUser, "", "", "", fb, getNode(func(k *kinds) *kind[*User] { return k.user }))
	add(t, http.MethodGet, kindUser, "accounts", "pages_show_list", "", fb, listPages)
	add(t, http.MethodGet, kindUser, "permissions", "", "", fb, listPermissions)
	add(t, http.MethodDelete, kindUser, "permissions", "", "", fb, revokePermissions)

	pages := route{only: facebookOnly, budget: budgetPage}
	add(t, http.MethodGet, kindPage, "", "pages_show_list|pages_read_engagement", "", pages, getNode(func(k *kinds) *kind[*Page] { return k.page }))
	add(t, http.MethodGet, kindPage, "instagram_accounts", "instagram_basic", "", pages, listPageAccounts)
	pages.page = true
	add(t, http.MethodGet, kindPage, "subscribed_apps", "pages_manage_metadata", "", pages, pageInstallations)
	add(t, http.MethodPost, kindPage, "subscribed_apps", "pages_manage_metadata", "", pages, installOnPage)
	add(t, http.MethodDelete, kindPage, "subscribed_apps", "pages_manage_metadata", "", pages, uninstallFromPage)

	add(t, http.MethodGet, kindAccount, "subscribed_apps", "", igBasic, ig, accountInstallations)
	add(t, http.MethodPost, kindAccount, "subscribed_apps", "", igBasic, ig, installOnAccount)
	add(t, http.MethodDelete, kindAccount, "subscribed_apps", "", igBasic, ig, uninstallFromAccount)

	add(t, http.MethodGet, kindApp, "", "", "", fb, getApp)
	add(t, http.MethodGet, kindApp, "subscriptions", "", "", fb, listSubscriptions)
	add(t, http.MethodPost, kindApp, "subscriptions", "", "", fb, createSubscription)
	add(t, http.MethodDelete, kindApp, "subscriptions", "", "", fb, deleteSubscription)
}

func accountRoutes(t map[routeKey]*route) {
	own := route{budget: budgetAccount}
	add(t, http.MethodGet, kindAccount, "", "instagram_basic", igBasic, own, getNode(func(k *kinds) *kind[*Account] { return k.account }))
	add(t, http.MethodGet, kindAccount, "media", fbList, igBasic, own, nodeEdge((*call).listMedia))
	add(t, http.MethodGet, kindAccount, "stories", fbList, igBasic, own, nodeEdge((*call).listStories))
	add(t, http.MethodGet, kindAccount, "tags", fbBasic, igBasic, own, nodeEdge((*call).listTags))
	add(t, http.MethodGet, kindAccount, "live_media", fbList, igBasic, own, nodeEdge((*call).listLive))
	add(t, http.MethodPost, kindAccount, "media", fbPublish, igPublish, own, createContainer)
	add(t, http.MethodPost, kindAccount, "media_publish", fbPublish, igPublish, own, publishContainer)
	add(t, http.MethodGet, kindAccount, "content_publishing_limit", fbPublish, igPublish, own, publishingLimit)
	add(t, http.MethodGet, kindContainer, "", fbPublish, igPublish, own, getNode(func(k *kinds) *kind[*container] { return k.container }))
	add(t, http.MethodPost, kindAccount, "mentions", fbMentions, igComments, own, replyToMention)
}

func mediaRoutes(t map[routeKey]*route) {
	own := route{budget: budgetAccount}
	ownFB := route{budget: budgetAccount, only: facebookOnly}
	add(t, http.MethodGet, kindMedia, "", fbList, igBasic, own, getNode(func(k *kinds) *kind[*Media] { return k.media }))
	add(t, http.MethodPost, kindMedia, "", fbComments, igComments, own, updateMedia)
	add(t, http.MethodDelete, kindMedia, "", "instagram_basic instagram_manage_contents", "", ownFB, deleteMedia)
	add(t, http.MethodGet, kindMedia, "children", fbList, igBasic, own, nodeEdge((*call).listChildren))
	add(t, http.MethodGet, kindMedia, "comments", fbComments, igComments, own, nodeEdge((*call).listComments))
	add(t, http.MethodPost, kindMedia, "comments", fbComments, igComments, own, createComment)
	add(t, http.MethodGet, kindComment, "", fbComments, igComments, own, getNode(func(k *kinds) *kind[*Comment] { return k.comment }))
	add(t, http.MethodPost, kindComment, "", fbComments, igComments, own, updateComment)
	add(t, http.MethodDelete, kindComment, "", fbComments, igComments, own, deleteComment)
	add(t, http.MethodGet, kindComment, "replies", fbComments, igComments, own, nodeEdge((*call).listReplies))
	add(t, http.MethodPost, kindComment, "replies", fbComments, igComments, own, createReply)
}

// messagingRoutes are on the Page with Facebook Login and on the account with Instagram Login.
func messagingRoutes(t map[routeKey]*route) {
	for kind, r := range map[string]route{
		kindPage:    {only: facebookOnly, page: true, budget: budgetNone},
		kindAccount: {only: instagramOnly, budget: budgetNone},
	} {
		add(t, http.MethodPost, kind, "messages", fbMessaging, igMessaging, r, sendMessage)
		add(t, http.MethodPost, kind, "message_attachments", fbMessaging, igMessaging, r, uploadAttachment)
		add(t, http.MethodGet, kind, "conversations", fbMessaging, igMessaging, r, listConversations)
		add(t, http.MethodGet, kind, "messenger_profile", fbMessaging, igMessaging, r, readMessengerProfile)
		add(t, http.MethodPost, kind, "messenger_profile", fbMessaging, igMessaging, r, writeMessengerProfile)
		add(t, http.MethodDelete, kind, "messenger_profile", fbMessaging, igMessaging, r, deleteMessengerProfile)
	}
	node := route{budget: budgetNone, page: true}
	add(t, http.MethodGet, kindThread, "", fbMessaging, igMessaging, node, getNode(func(k *kinds) *kind[*Thread] { return k.thread }))
	add(t, http.MethodGet, kindThread, "messages", fbMessaging, igMessaging, node, nodeEdge((*call).listMessages))
	add(t, http.MethodGet, kindMessage, "", fbMessaging, igMessaging, node, getMessage)
	add(t, http.MethodGet, kindPerson, "", fbMessaging, igMessaging, node, getPerson)
	add(t, http.MethodPost, kindAccount, "moderate_conversations", fbMessaging, igMessaging, route{budget: budgetNone}, moderate)
	add(t, http.MethodPost, kindPage, "moderate_conversations", fbMessaging, "", route{only: facebookOnly, page: true, budget: budgetNone}, moderate)
	page := route{only: facebookOnly, page: true, budget: budgetNone}
	for _, what := range []string{"pass", "take", "request", "release", "extend"} {
		add(t, http.MethodPost, kindPage, what+"_thread_control", fbMessaging, "", page, handover(what))
	}
	add(t, http.MethodGet, kindPage, "thread_owner", fbMessaging, "", page, threadOwner)
	add(t, http.MethodGet, kindPage, "secondary_receivers", fbMessaging, "", page, secondaryReceivers)
}

func insightRoutes(t map[routeKey]*route) {
	own := route{budget: budgetAccount}
	add(t, http.MethodGet, kindAccount, "insights", fbInsights, igInsights, own, getAccountInsights)
	add(t, http.MethodGet, kindMedia, "insights", fbInsights, igInsights, own, getMediaInsights)
}

// discoveryRoutes are hashtags, collaboration and the shop, with Facebook Login only.
func discoveryRoutes(t map[routeKey]*route) {
	platform := route{only: facebookOnly, budget: budgetPlatform}
	add(t, http.MethodGet, kindRoot, "ig_hashtag_search", "instagram_basic", "", platform, searchHashtag)
	add(t, http.MethodGet, kindHashtag, "", "instagram_basic", "", platform, getNode(func(k *kinds) *kind[*Hashtag] { return k.hashtag }))
	add(t, http.MethodGet, kindHashtag, "top_media", "instagram_basic", "", platform, hashtagMedia("top_media"))
	add(t, http.MethodGet, kindHashtag, "recent_media", "instagram_basic", "", platform, hashtagMedia("recent_media"))
	add(t, http.MethodGet, kindAccount, "recently_searched_hashtags", "instagram_basic", "", platform, searchedHashtags)

	own := route{only: facebookOnly, budget: budgetAccount}
	add(t, http.MethodGet, kindMedia, "collaborators", fbBasic, "", own, collaborators)
	add(t, http.MethodGet, kindAccount, "collaboration_invites", fbPublish, "", own, listInvites)
	add(t, http.MethodPost, kindAccount, "collaboration_invites", fbPublish, "", own, answerInvite)
	add(t, http.MethodGet, kindAccount, "collaborative_media", fbBasic, "", own, nodeEdge((*call).listCollaborative))
	add(t, http.MethodPost, kindAccount, "likes", "instagram_basic instagram_manage_engagement", "", own, like)
	add(t, http.MethodDelete, kindAccount, "likes", "instagram_basic instagram_manage_engagement", "", own, like)
	add(t, http.MethodGet, kindAccount, "scheduled_media", fbBasic, "", own, listScheduled)

	add(t, http.MethodGet, kindAccount, "available_catalogs", fbShopping, "", own, listCatalogs)
	add(t, http.MethodGet, kindAccount, "catalog_product_search", fbShopping, "", own, searchProducts)
	add(t, http.MethodGet, kindMedia, "product_tags", fbShopping, "", own, getProductTags)
	add(t, http.MethodPost, kindMedia, "product_tags", fbShopping, "", own, setProductTags)
	add(t, http.MethodGet, kindAccount, "product_appeal", fbShopping, "", own, productAppeal)
	add(t, http.MethodPost, kindAccount, "product_appeal", fbShopping, "", own, productAppeal)
}
