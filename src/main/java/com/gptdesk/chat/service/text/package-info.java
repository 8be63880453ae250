/** What is said of texts that people write. */
@NullMarked
package com.gptdesk.chat.service.text;

import org.jspecify.annotations.NullMarked;
