/** Push notifications to browsers whose people are away: RFC 8030, 8188, 8291 and 8292. */
@NullMarked
package com.gptdesk.chat.service.push;

import org.jspecify.annotations.NullMarked;
