// Package schemas holds the JSON Schemas of the Instagram connector: one folder a
// subject, one file for each way in and out of an operation or a trigger, named
// after it.
package schemas

import "embed"

// FS holds files such as "media/get_story.input.json". Shapes that several of them
// use are in "common.json".
//
//go:embed account auth comments conversations hashtags insights media mentions messages messenger_profile
//go:embed platform publishing shopping triggers common.json settings.json
var FS embed.FS
