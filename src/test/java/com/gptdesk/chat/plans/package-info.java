/** What the hot paths cost: plans and pages of the database, at a million messages. */
@NullMarked
package com.gptdesk.chat.plans;

import org.jspecify.annotations.NullMarked;
