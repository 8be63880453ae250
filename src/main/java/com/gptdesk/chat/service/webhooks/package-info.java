/** Tells other systems of changes: signed, at least once, in order for each conversation. */
@NullMarked
package com.gptdesk.chat.service.webhooks;

import org.jspecify.annotations.NullMarked;
