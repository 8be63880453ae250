/** What operators watch: health and metrics. */
@NullMarked
package com.gptdesk.chat.service.ops;

import org.jspecify.annotations.NullMarked;
