package sandbox

import (
	"encoding/json"
	"time"
)

// A World is everything that a sandbox knows at its start. Its parts refer to one another by
// id. It can be built by code, by Seed, or read from a JSON file with LoadWorld; a sandbox
// works on a copy and never changes the world that it was given.
type World struct {
	App      App        `json:"app"`
	Users    []*User    `json:"users,omitempty"`
	Pages    []*Page    `json:"pages,omitempty"`
	Accounts []*Account `json:"accounts"`
	People   []*Person  `json:"people,omitempty"`
	Media    []*Media   `json:"media,omitempty"`
	Comments []*Comment `json:"comments,omitempty"`
	Hashtags []*Hashtag `json:"hashtags,omitempty"`
	Threads  []*Thread  `json:"threads,omitempty"`
	Catalogs []*Catalog `json:"catalogs,omitempty"`
	Assets   []*Asset   `json:"assets,omitempty"`
	Tokens   []*Token   `json:"tokens,omitempty"`
	Limits   Limits     `json:"limits,omitzero"`
	// VideoSeconds is how long the processing of a video takes; 0: ten seconds. Images take
	// no time.
	VideoSeconds int `json:"video_seconds,omitempty"`
}

func (w *World) videoSeconds() int {
	if w.VideoSeconds == 0 {
		return 10
	}
	return w.VideoSeconds
}

// An App is the Meta app that is being built. It has two pairs of id and secret: the Meta
// app's, for Facebook Login, and the Instagram app's, for Instagram Login.
type App struct {
	ID              string `json:"id"`
	Secret          string `json:"secret"`
	Name            string `json:"name"`
	InstagramID     string `json:"instagram_id"`
	InstagramSecret string `json:"instagram_secret"`
	VerifyToken     string `json:"verify_token,omitempty"`
	// RequireProof is the app setting "Require App Secret".
	RequireProof bool `json:"require_proof,omitempty"`
	// CodeReply is how Instagram Login answers a code; all three forms are seen in the wild:
	// "" is {"data":[{...}]} as documented, "flat" an object with a list of permissions,
	// "number" an object with a numeric user_id and no permissions.
	CodeReply string `json:"code_reply,omitempty"`
	// Without are features of App Review that the app lacks: "human_agent",
	// "public_content_access".
	Without []string `json:"without,omitempty"`
	// RedirectURIs are the allowed OAuth redirects; empty allows every one.
	RedirectURIs []string `json:"redirect_uris,omitempty"`
}

// A User is a Facebook person who has a role on Pages.
type User struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Email    string   `json:"email,omitempty"`
	Gender   string   `json:"gender,omitempty"`
	Birthday string   `json:"birthday,omitempty"` // as Meta writes it: MM/DD/YYYY
	Pages    []string `json:"pages,omitempty"`    // Page ids
}

// A Page is a Facebook Page, mostly linked to a professional Instagram account.
type Page struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Category    string   `json:"category,omitempty"`
	AccountID   string   `json:"account_id,omitempty"`
	Tasks       []string `json:"tasks,omitempty"`
	HasLocation bool     `json:"has_location,omitempty"` // good as a location_id
	// Installed are the Page fields that the app subscribed to; empty when the app is not
	// installed on the Page.
	Installed []string `json:"installed,omitempty"`
}

// An Account is a professional Instagram account.
type Account struct {
	ID         string   `json:"id"`                  // 1784140...
	ScopedID   string   `json:"scoped_id,omitempty"` // the app-scoped id of Instagram Login
	Username   string   `json:"username"`
	Name       string   `json:"name,omitempty"`
	Biography  string   `json:"biography,omitempty"`
	Website    string   `json:"website,omitempty"`
	Type       string   `json:"type,omitempty"` // Business or Media_Creator
	LegacyID   string   `json:"legacy_id,omitempty"`
	PageID     string   `json:"page_id,omitempty"`
	Followers  int      `json:"followers,omitempty"`
	Follows    int      `json:"follows,omitempty"`
	AgeGated   bool     `json:"age_gated,omitempty"`
	CatalogIDs []string `json:"catalog_ids,omitempty"`
	// Installed are the webhook fields subscribed through Instagram Login.
	Installed []string `json:"installed,omitempty"`
	// NoMessageAccess: the owner switched off message access for apps.
	NoMessageAccess bool `json:"no_message_access,omitempty"`
	// IceBreakers and PersistentMenu are the messenger profile, as JSON.
	IceBreakers    []IceBreakers    `json:"ice_breakers,omitempty"`
	PersistentMenu []PersistentMenu `json:"persistent_menu,omitempty"`
	// Insights are the account's numbers by metric; a metric without one has no data.
	Insights map[string]int `json:"insights,omitempty"`
}

// A Person is somebody who is not the account's owner: they comment, mention and write.
type Person struct {
	ID        string `json:"id"`
	Username  string `json:"username"`
	Name      string `json:"name,omitempty"`
	Private   bool   `json:"private,omitempty"`
	Verified  bool   `json:"verified,omitempty"`
	Followers int    `json:"followers,omitempty"`
	// IGSIDs are the person's Instagram-scoped ids by account id. One is made up for
	// accounts that are not named.
	IGSIDs map[string]string `json:"igsids,omitempty"`
	// Follows are the ids of accounts that the person follows, FollowedBy of those that
	// follow the person, BlockedBy of those that blocked the person.
	Follows    []string `json:"follows,omitempty"`
	FollowedBy []string `json:"followed_by,omitempty"`
	BlockedBy  []string `json:"blocked_by,omitempty"`
}

// Media is a post, reel, carousel or an item of one, story or live video.
type Media struct {
	ID          string         `json:"id"`
	OwnerID     string         `json:"owner_id"` // of an Account or a Person
	Type        string         `json:"type"`     // IMAGE, VIDEO, CAROUSEL_ALBUM, BROADCAST
	Product     string         `json:"product"`  // FEED, REELS, STORY, AD, LIVE
	At          time.Time      `json:"at"`
	Ends        time.Time      `json:"ends,omitzero"` // live: end of the broadcast
	Caption     string         `json:"caption,omitempty"`
	Shortcode   string         `json:"shortcode,omitempty"`
	AltText     string         `json:"alt_text,omitempty"`
	Likes       int            `json:"likes,omitempty"`
	HidesLikes  bool           `json:"hides_likes,omitempty"`
	CommentsOff bool           `json:"comments_off,omitempty"`
	ToFeed      bool           `json:"to_feed,omitempty"` // a reel also shown in the feed
	Copyrighted bool           `json:"copyrighted,omitempty"`
	OnFacebook  bool           `json:"on_facebook,omitempty"`
	ParentID    string         `json:"parent_id,omitempty"` // album of a carousel item
	Children    []string       `json:"children,omitempty"`
	Tags        []UserTag      `json:"tags,omitempty"`
	Products    []ProductTag   `json:"products,omitempty"`
	Collabs     []Collaborator `json:"collaborators,omitempty"`
	Insights    map[string]int `json:"insights,omitempty"`
	Viewers     int            `json:"viewers,omitempty"`

	permalink json.RawMessage // made when it is first asked for
}

// A UserTag is a person tagged in a photo.
type UserTag struct {
	Username string  `json:"username"`
	X        float64 `json:"x,omitempty"`
	Y        float64 `json:"y,omitempty"`
}

// A ProductTag is a product tagged in a post.
type ProductTag struct {
	ProductID json.Number `json:"product_id"`
	X         float64     `json:"x,omitempty"`
	Y         float64     `json:"y,omitempty"`
}

// A Collaborator is an account invited to share a post.
type Collaborator struct {
	ID       string `json:"id,omitempty"`
	Username string `json:"username"`
	Status   string `json:"status"` // Pending, Accepted, Declined
}

// A Comment is a comment or, with a parent, a reply.
type Comment struct {
	ID       string    `json:"id"`
	MediaID  string    `json:"media_id"`
	ParentID string    `json:"parent_id,omitempty"`
	FromID   string    `json:"from_id"` // of an Account or a Person
	Text     string    `json:"text"`
	At       time.Time `json:"at"`
	Likes    int       `json:"likes,omitempty"`
	Hidden   bool      `json:"hidden,omitempty"`
	AdID     string    `json:"ad_id,omitempty"` // comments on ads are never listed
}

// A Hashtag has a static global id. Its media are those whose captions carry it.
type Hashtag struct {
	ID   string `json:"id"`
	Name string `json:"name"` // without #, lower case
	// Sensitive hashtags cannot be searched.
	Sensitive bool `json:"sensitive,omitempty"`
}

// A Catalog is a shop's list of products.
type Catalog struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	ShopName string    `json:"shop_name,omitempty"`
	Products []Product `json:"products,omitempty"`
}

// A Product can be tagged and shared.
type Product struct {
	ID         json.Number `json:"id"`
	Name       string      `json:"name"`
	RetailerID string      `json:"retailer_id,omitempty"`
	ImageURL   string      `json:"image_url,omitempty"`
	Price      string      `json:"price,omitempty"`
	Review     string      `json:"review,omitempty"` // approved, pending, rejected
}

// An Asset says what Meta would find at a URL that it is asked to fetch. A URL without an
// asset is what its extension says: .jpg and .mp4 are good, .png and .gif are good images for
// messages only. Nothing is ever fetched.
type Asset struct {
	URL     string  `json:"url"`
	Type    string  `json:"type,omitempty"` // image/jpeg, video/mp4, ...
	Bytes   int     `json:"bytes,omitempty"`
	Width   int     `json:"width,omitempty"`
	Height  int     `json:"height,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	// Code and Subcode are the error that processing ends with.
	Code    int `json:"code,omitempty"`
	Subcode int `json:"subcode,omitempty"`
	// Processing is how long a container with this asset stays IN_PROGRESS; in seconds;
	// zero: none for an image, the world's VideoSeconds for a video.
	Processing int `json:"processing,omitempty"`
	// Missing: the URL cannot be fetched.
	Missing bool `json:"missing,omitempty"`
}

// Limits are the call budgets. Zero means Meta's figure for a middling app; budgets by the
// second are off at zero, since a clock that stands still never gives them back. Meta's are
// 100 messages, 10 messages with audio or video, and 2 conversation calls.
type Limits struct {
	AppPerHour             int `json:"app_per_hour,omitempty"`    // code 4, X-App-Usage
	UserPerHour            int `json:"user_per_hour,omitempty"`   // code 17
	PagePerDay             int `json:"page_per_day,omitempty"`    // code 32, X-Page-Usage
	AccountPerDay          int `json:"account_per_day,omitempty"` // code 80002, X-Business-Use-Case-Usage
	PublishPerDay          int `json:"publish_per_day,omitempty"` // 9/2207042
	ContainerPerDay        int `json:"container_per_day,omitempty"`
	MessagesPerSecond      int `json:"messages_per_second,omitempty"`       // 613/2534040
	HeavyMessagesPerSecond int `json:"heavy_messages_per_second,omitempty"` // audio and video
	PrivateRepliesPerHour  int `json:"private_replies_per_hour,omitempty"`
	ConversationsPerSecond int `json:"conversations_per_second,omitempty"`
}
