/**
 * What every test stands on: a database of its own with the real schema, and the cast of people who
 * tell the rules.
 */
@NullMarked
package com.gptdesk.chat.testing;

import org.jspecify.annotations.NullMarked;
