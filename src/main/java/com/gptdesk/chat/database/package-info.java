/**
 * Access to the database: one class through which row-level security always holds. Packages of
 * their own hold the migrations and an embedded PostgreSQL.
 */
@NullMarked
package com.gptdesk.chat.database;

import org.jspecify.annotations.NullMarked;
