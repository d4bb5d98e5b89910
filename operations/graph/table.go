package graph

import "time"

// Row says what one error of Meta means.
type Row struct {
	Code    int
	Subcode int // 0 stands for every subcode without a row of its own.
	Last    int // Set on a row for a range of codes: the last of them.

	Class    Class
	Applied  Applied // For a request that writes.
	Sentence string
	Action   string
	Param    string        // The parameter that is wrong, where that is certain.
	Wait     time.Duration // How long to wait where no header says.
}

// lookUp finds the row of an error: by code and subcode, then by a subcode that is
// known on its own, then by code, then by range.
func lookUp(u Upstream) (Row, bool) {
	if !u.coded {
		return Row{}, false
	}
	var bySub, byCode, byRange *Row
	for i := range table {
		r := &table[i]
		switch {
		case r.Code == u.Code && r.Subcode == u.Subcode && r.Last == 0:
			return *r, true
		case u.Subcode != 0 && r.Code == u.Subcode && r.Subcode == 0 && r.Last == 0:
			bySub = r
		case r.Code == u.Code && r.Subcode == 0 && r.Last == 0:
			byCode = r
		case r.Last != 0 && r.Code <= u.Code && u.Code <= r.Last:
			byRange = r
		}
	}
	for _, r := range []*Row{bySub, byCode, byRange} {
		if r != nil {
			return *r, true
		}
	}
	return Row{}, false
}

// Rows returns the table of errors that the connector understands.
func Rows() []Row { return append([]Row(nil), table...) }

const (
	fixInput     = "Correct the input."
	later        = "Try again later."
	signInAgain  = "Sign in again."
	askScope     = "Consent again, with the missing permission."
	newContainer = "Create a new container."
	stop         = "Stop, and look into the account's status in the Instagram app."
)

// table holds one row for each error that Meta documents for Instagram.
// Sources: Meta's pages on error handling, Instagram error codes (2026-06-02),
// Messenger error codes (2026-06-25) and rate limits.
var table = []Row{
	// General.
	{Code: 1, Class: Unavailable, Applied: Unknown, Sentence: "Instagram reports an unknown error.", Action: "Try again later; if it persists, check the input."},
	{Code: -1, Class: Unavailable, Applied: Unknown, Sentence: "Instagram's server had an error.", Action: later},
	{Code: -2, Class: Unavailable, Applied: Unknown, Sentence: "Instagram took too long.", Action: later},
	{Code: 1, Subcode: 99, Class: Denied, Applied: No, Sentence: "A permission for messaging is missing.", Action: askScope},
	{Code: 2, Class: Unavailable, Applied: Unknown, Sentence: "Instagram's service is down for the moment.", Action: later},
	{Code: 3, Class: Denied, Applied: No, Sentence: "The app may not use this feature.", Action: "Check the app's capabilities and permissions at Meta."},
	{Code: 4, Class: RateLimited, Applied: No, Sentence: "The app has used up its calls.", Action: "Wait.", Wait: 5 * time.Minute},
	{Code: 10, Class: Denied, Applied: No, Sentence: "The account lacks a permission for this.", Action: askScope},
	{Code: 17, Class: RateLimited, Applied: No, Sentence: "The user has used up the calls of an hour.", Action: "Wait.", Wait: 5 * time.Minute},
	{Code: 32, Class: RateLimited, Applied: No, Sentence: "The Page has used up its calls.", Action: "Wait.", Wait: 5 * time.Minute},
	{Code: 80001, Class: RateLimited, Applied: No, Sentence: "The Page's budget of calls is used up.", Action: "Wait.", Wait: 5 * time.Minute},
	{Code: 80002, Class: RateLimited, Applied: No, Sentence: "The Instagram account's budget of calls is used up.", Action: "Wait.", Wait: 5 * time.Minute},
	{Code: 80006, Class: RateLimited, Applied: No, Sentence: "The budget of calls for messaging is used up.", Action: "Wait.", Wait: 5 * time.Minute},
	{Code: 100, Class: Invalid, Applied: No, Sentence: "Instagram does not accept a parameter.", Action: fixInput},
	{Code: 100, Subcode: 33, Class: NotFound, Applied: No, Sentence: "The object does not exist, or the account may not see it.", Action: "Check the id and the account's permissions."},
	{Code: 102, Class: Unauthenticated, Applied: No, Sentence: "The session has ended.", Action: signInAgain},
	{Code: 341, Class: RateLimited, Applied: No, Sentence: "The app has reached a limit.", Action: "Wait.", Wait: time.Hour},
	{Code: 368, Class: Refused, Applied: No, Sentence: "The account is blocked for a time, because of Meta's policies.", Action: stop},
	{Code: 506, Class: Invalid, Applied: No, Sentence: "The same has been posted already.", Action: "Change the content."},
	{Code: 551, Class: Precondition, Applied: No, Sentence: "The person cannot be reached.", Action: "Leave this person out."},
	{Code: 613, Class: RateLimited, Applied: No, Sentence: "Calls come too fast.", Action: "Wait.", Wait: time.Minute},
	{Code: 613, Subcode: 1996, Class: RateLimited, Applied: No, Sentence: "The number of calls has grown too suddenly.", Action: "Wait.", Wait: 5 * time.Minute},
	{Code: 803, Class: NotFound, Applied: No, Sentence: "There is no object of this id or name.", Action: "Check the id."},
	{Code: 2500, Class: Invalid, Applied: No, Sentence: "Instagram does not know this path.", Action: "Correct the path."},
	{Code: 36103, Class: Precondition, Applied: No, Sentence: "The Instagram account may not be used with the API.", Action: "Make it a professional account."},

	// Tokens.
	{Code: 190, Class: Unauthenticated, Applied: No, Sentence: "The access token is not valid.", Action: signInAgain},
	{Code: 190, Subcode: 456, Class: Unauthenticated, Applied: No, Sentence: "The session of the access token is damaged.", Action: signInAgain},
	{Code: 190, Subcode: 457, Class: Unauthenticated, Applied: No, Sentence: "The access token comes from elsewhere.", Action: signInAgain},
	{Code: 190, Subcode: 458, Class: Unauthenticated, Applied: No, Sentence: "The user has removed the app.", Action: signInAgain},
	{Code: 190, Subcode: 459, Class: Unauthenticated, Applied: No, Sentence: "Meta wants the user to log in on its site first.", Action: "Log in at facebook.com or instagram.com, then sign in again here."},
	{Code: 190, Subcode: 460, Class: Unauthenticated, Applied: No, Sentence: "The user has changed the password.", Action: signInAgain},
	{Code: 190, Subcode: 461, Class: Unauthenticated, Applied: No, Sentence: "The user has installed the app anew.", Action: signInAgain},
	{Code: 190, Subcode: 462, Class: Unauthenticated, Applied: No, Sentence: "The session of the access token is out of date.", Action: signInAgain},
	{Code: 190, Subcode: 463, Class: Unauthenticated, Applied: No, Sentence: "The access token has expired.", Action: signInAgain},
	{Code: 190, Subcode: 464, Class: Unauthenticated, Applied: No, Sentence: "The user's account is not confirmed.", Action: "Confirm the account at Meta's site, then sign in again here."},
	{Code: 190, Subcode: 465, Class: Unauthenticated, Applied: No, Sentence: "The user's account is not valid.", Action: signInAgain},
	{Code: 190, Subcode: 466, Class: Unauthenticated, Applied: No, Sentence: "The access token was made invalid through the API.", Action: signInAgain},
	{Code: 190, Subcode: 467, Class: Unauthenticated, Applied: No, Sentence: "The user has logged out, and the access token is not valid any more.", Action: signInAgain},
	{Code: 190, Subcode: 468, Class: Unauthenticated, Applied: No, Sentence: "The access token was not used for a long time.", Action: signInAgain},
	{Code: 190, Subcode: 492, Class: Unauthenticated, Applied: No, Sentence: "The user's role on the Page has changed.", Action: "Check the role on the Page, then sign in again."},
	{Code: 100, Subcode: 36007, Class: Unauthenticated, Applied: No, Sentence: "The code of the sign-in has expired.", Action: signInAgain},
	{Code: 100, Subcode: 36009, Class: Unauthenticated, Applied: No, Sentence: "The code of the sign-in was used already.", Action: signInAgain},

	// Permissions.
	{Code: 200, Last: 299, Class: Denied, Applied: No, Sentence: "A permission is missing, or the account has no role for this.", Action: askScope},
	{Code: 230, Class: Precondition, Applied: No, Sentence: "The person has not agreed that the profile is read.", Action: "Wait until the person has sent a message."},

	// Publishing.
	{Code: -2, Subcode: 2207003, Class: Unavailable, Applied: No, Sentence: "Instagram took too long to download the media.", Action: "Try again; if it persists, use a faster server."},
	{Code: -2, Subcode: 2207020, Class: Precondition, Applied: No, Sentence: "The media has expired.", Action: newContainer},
	{Code: -1, Subcode: 2207001, Class: Unavailable, Applied: Unknown, Sentence: "Instagram's server had an error.", Action: later},
	{Code: -1, Subcode: 2207032, Class: Unavailable, Applied: No, Sentence: "The container could not be created.", Action: later},
	{Code: -1, Subcode: 2207053, Class: Precondition, Applied: No, Sentence: "The upload of the video went wrong.", Action: newContainer},
	{Code: 1, Subcode: 2207057, Class: Invalid, Applied: No, Sentence: "The thumbnail's offset is beyond the end of the video.", Action: fixInput, Param: "thumb_offset"},
	{Code: 4, Subcode: 2207051, Class: Refused, Applied: No, Sentence: "Instagram takes this for spam.", Action: stop},
	{Code: 9, Subcode: 2207042, Class: RateLimited, Applied: No, Sentence: "The account has published as much as it may in 24 hours.", Action: "Wait until older posts are more than 24 hours old.", Wait: time.Hour},
	{Code: 24, Subcode: 2207006, Class: NotFound, Applied: No, Sentence: "The container was not found, or the account may not see it.", Action: newContainer},
	{Code: 24, Subcode: 2207008, Class: Unavailable, Applied: No, Sentence: "The container is not there, perhaps not yet.", Action: "Try again in a minute; then create a new container.", Wait: 30 * time.Second},
	{Code: 25, Subcode: 2207050, Class: Precondition, Applied: No, Sentence: "The Instagram account is restricted or inactive.", Action: "Log in with the Instagram app and follow its instructions."},
	{Code: 100, Subcode: 2207023, Class: Invalid, Applied: No, Sentence: "Instagram does not know this media type.", Action: fixInput},
	{Code: 100, Subcode: 2207028, Class: Invalid, Applied: No, Sentence: "A carousel needs 2 to 10 items.", Action: fixInput},
	{Code: 100, Subcode: 2207035, Class: Invalid, Applied: No, Sentence: "A product tag on a video has no position.", Action: "Leave out the positions.", Param: "product_tags"},
	{Code: 100, Subcode: 2207036, Class: Invalid, Applied: No, Sentence: "A product tag on a photo needs a position.", Action: "Give each tag a position.", Param: "product_tags"},
	{Code: 100, Subcode: 2207037, Class: Invalid, Applied: No, Sentence: "A product tag is not valid.", Action: "Check the product ids and that the products are approved.", Param: "product_tags"},
	{Code: 100, Subcode: 2207040, Class: Invalid, Applied: No, Sentence: "The caption mentions more than 20 accounts.", Action: "Use at most 20 mentions.", Param: "caption"},
	{Code: 352, Subcode: 2207026, Class: Invalid, Applied: No, Sentence: "Instagram does not support the format of the video.", Action: "Use MOV or MP4 with H.264 or HEVC.", Param: "video_url"},
	{Code: 9004, Subcode: 2207052, Class: Invalid, Applied: No, Sentence: "Instagram could not fetch the media from its URL.", Action: "Use a URL that is public and leads straight to the file."},
	{Code: 9007, Subcode: 2207027, Class: Precondition, Applied: No, Sentence: "The container is not ready to be published.", Action: "Wait until its status is FINISHED."},
	{Code: 36000, Subcode: 2207004, Class: Invalid, Applied: No, Sentence: "The image is larger than 8 MiB.", Action: "Use a smaller image.", Param: "image_url"},
	{Code: 36001, Subcode: 2207005, Class: Invalid, Applied: No, Sentence: "Instagram does not support the format of the image.", Action: "Use JPEG.", Param: "image_url"},
	{Code: 36003, Subcode: 2207009, Class: Invalid, Applied: No, Sentence: "The image's aspect ratio is outside 4:5 to 1.91:1.", Action: "Crop the image.", Param: "image_url"},
	{Code: 36004, Subcode: 2207010, Class: Invalid, Applied: No, Sentence: "The caption is too long.", Action: "Use at most 2,200 characters, 30 hashtags and 20 mentions.", Param: "caption"},

	// Messaging.
	{Code: 10, Subcode: 2534022, Class: Precondition, Applied: No, Sentence: "The messaging window is closed: the person's last message is more than 24 hours old.", Action: "Wait until the person writes, or use the human agent tag within 7 days."},
	{Code: 10, Subcode: 2018278, Class: Precondition, Applied: No, Sentence: "The message is outside the allowed window.", Action: "Wait until the person writes."},
	{Code: 10, Subcode: 2018065, Class: Precondition, Applied: No, Sentence: "The message is outside the allowed window.", Action: "Wait until the person writes."},
	{Code: 10, Subcode: 2018108, Class: Precondition, Applied: No, Sentence: "The person cannot receive messages right now.", Action: "Leave this person out for now."},
	{Code: 10, Subcode: 1893063, Class: Refused, Applied: No, Sentence: "The business may not send messages for a time.", Action: stop},
	{Code: 10, Subcode: 2534077, Class: Unauthenticated, Applied: No, Sentence: "The link of Page and Instagram account is broken, or two-factor authentication is missing.", Action: "Link the account to the Page again, set up two-factor authentication, then sign in again."},
	{Code: 100, Subcode: 2534013, Class: Precondition, Applied: No, Sentence: "The Page is not linked to an Instagram account.", Action: "Link them in the Page's settings."},
	{Code: 100, Subcode: 2534014, Class: NotFound, Applied: No, Sentence: "There is no such Instagram user for this account.", Action: "Use the id that came with the person's message to this account."},
	{Code: 100, Subcode: 2534015, Class: Invalid, Applied: No, Sentence: "The content of the message is not valid.", Action: fixInput},
	{Code: 100, Subcode: 2534025, Class: Precondition, Applied: No, Sentence: "The comment takes no private reply: it has one already, is older than 7 days, or is of the wrong kind.", Action: "Reply in public."},
	{Code: 100, Subcode: 2534029, Class: Refused, Applied: No, Sentence: "The business is blocked from messaging on Instagram.", Action: stop},
	{Code: 100, Subcode: 2534037, Class: Precondition, Applied: No, Sentence: "Another app controls the conversation.", Action: "Take control of the conversation first."},
	{Code: 100, Subcode: 2018001, Class: NotFound, Applied: No, Sentence: "There is no such user.", Action: "Use the id that came with the person's message."},
	{Code: 100, Subcode: 2018008, Class: Invalid, Applied: No, Sentence: "Instagram could not fetch the file from its URL.", Action: "Use a URL that is public and leads straight to the file."},
	{Code: 100, Subcode: 2018014, Class: Invalid, Applied: No, Sentence: "A message and a sender action cannot go together.", Action: "Send them one after the other."},
	{Code: 100, Subcode: 2018047, Class: Invalid, Applied: No, Sentence: "The file is not of the type that was named.", Action: fixInput},
	{Code: 100, Subcode: 2018074, Class: Invalid, Applied: No, Sentence: "The attachment id is not valid, or belongs to another account.", Action: "Upload the attachment again."},
	{Code: 100, Subcode: 2018109, Class: Invalid, Applied: No, Sentence: "The attachment is too large.", Action: "Use at most 8 MB for images and 25 MB for other files."},
	{Code: 100, Subcode: 2018164, Class: Invalid, Applied: No, Sentence: "The app id is wrong for a handover.", Action: fixInput},
	{Code: 100, Subcode: 2018294, Class: Unavailable, Applied: No, Sentence: "The upload of the video took too long, or the file is damaged.", Action: "Try again; if it persists, check the file."},
	{Code: 200, Subcode: 1545041, Class: Precondition, Applied: No, Sentence: "The person cannot be reached, or has blocked the account.", Action: "Leave this person out."},
	{Code: 551, Subcode: 1545041, Class: Precondition, Applied: No, Sentence: "The person cannot be reached, or has blocked the account.", Action: "Leave this person out."},
	{Code: 200, Subcode: 2018028, Class: Denied, Applied: No, Sentence: "The app is not approved: it may only write to people with a role on it.", Action: "Have the app reviewed by Meta."},
	{Code: 200, Subcode: 2534041, Class: Denied, Applied: No, Sentence: "The account's owner has switched off access to messages for apps.", Action: "Switch on “Allow access to messages” in the Instagram app."},
	{Code: 613, Subcode: 2534040, Class: RateLimited, Applied: No, Sentence: "Messages are sent too fast.", Action: "Wait.", Wait: time.Minute},
	{Code: 613, Subcode: 2018338, Class: RateLimited, Applied: No, Sentence: "A message tag is used too much.", Action: "Send fewer messages with the tag.", Wait: time.Hour},
	{Code: 2, Subcode: 1545133, Class: Unavailable, Applied: Unknown, Sentence: "Instagram's messaging is down for the moment.", Action: later},
	{Code: 1, Subcode: 1357046, Class: Unavailable, Applied: Unknown, Sentence: "Instagram's answer was broken; the message may have been sent.", Action: "Look into the conversation before you send it again."},
	{Code: 2022, Class: Refused, Applied: No, Sentence: "Messaging for commerce is switched off for the account.", Action: stop},
	{Code: 2018247, Class: Precondition, Applied: No, Sentence: "The person's profile cannot be read.", Action: "Wait until the person has sent a message."},
	{Code: 2018300, Class: Precondition, Applied: No, Sentence: "Another app controls the conversation.", Action: "Take control of the conversation first."},
	{Code: 9000001, Class: NotFound, Applied: No, Sentence: "The message was deleted, or is older than the 20 newest.", Action: "Read messages soon after they come."},
	{Code: 2534001, Class: NotFound, Applied: No, Sentence: "The conversation was archived or deleted.", Action: "Wait until the person writes."},
	{Code: 2534068, Class: Invalid, Applied: No, Sentence: "The account cannot send several images in one message yet.", Action: "Send one image a message."},
}

// BySubcode returns the error that a subcode stands for where Meta tells nothing
// else: a container that went wrong has its subcode in a text.
func BySubcode(subcode int) (*Error, bool) {
	for _, r := range table {
		if r.Subcode == subcode {
			return NewError(r.Code, subcode), true
		}
	}
	return nil, false
}
