/** What runs at build time only: the jOOQ code is made from the migrations themselves. */
@NullMarked
package com.gptdesk.chat.build;

import org.jspecify.annotations.NullMarked;
