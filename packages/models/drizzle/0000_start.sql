CREATE TABLE `agents` (
	`id` text PRIMARY KEY NOT NULL,
	`org_id` text DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL,
	`team_id` text NOT NULL,
	`name` text NOT NULL,
	`slug` text NOT NULL,
	`role` text DEFAULT 'worker' NOT NULL,
	`specialty` text DEFAULT '' NOT NULL,
	`system_prompt` text DEFAULT '' NOT NULL,
	`instructions_md` text DEFAULT '' NOT NULL,
	`skills` text,
	`permissions` text,
	`resources` text,
	`container_id` text DEFAULT '' NOT NULL,
	`container_status` text DEFAULT 'stopped' NOT NULL,
	`sub_agent_description` text DEFAULT '' NOT NULL,
	`sub_agent_instructions` text DEFAULT '' NOT NULL,
	`sub_agent_model` text DEFAULT 'inherit' NOT NULL,
	`sub_agent_skills` text,
	`skill_statuses` text,
	`input_tokens` integer DEFAULT 0 NOT NULL,
	`output_tokens` integer DEFAULT 0 NOT NULL,
	`cache_creation_input_tokens` integer DEFAULT 0 NOT NULL,
	`cache_read_input_tokens` integer DEFAULT 0 NOT NULL,
	`cost_usd` real DEFAULT 0 NOT NULL,
	`turns` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`team_id`) REFERENCES `teams`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `agents_team_name` ON `agents` (`team_id`,lower("name"));--> statement-breakpoint
CREATE UNIQUE INDEX `agents_team_slug` ON `agents` (`team_id`,"slug" collate nocase);--> statement-breakpoint
CREATE TABLE `messages` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`team_id` text NOT NULL,
	`message_id` text NOT NULL,
	`from_agent` text NOT NULL,
	`to_agent` text NOT NULL,
	`message_type` text NOT NULL,
	`payload` text NOT NULL,
	`ref_message_id` text,
	`context` text,
	`delivery` text,
	`sent_at` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`team_id`) REFERENCES `teams`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `messages_id_unique` ON `messages` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `messages_message_id_unique` ON `messages` (`message_id`);--> statement-breakpoint
CREATE INDEX `messages_team_seq` ON `messages` (`team_id`,`seq`);--> statement-breakpoint
CREATE INDEX `messages_team_created` ON `messages` (`team_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `messages_team_type_seq` ON `messages` (`team_id`,`message_type`,`seq`);--> statement-breakpoint
CREATE INDEX `messages_delivery` ON `messages` (`delivery`,`team_id`,`seq`) WHERE delivery is not null;--> statement-breakpoint
CREATE TABLE `settings` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`org_id` text DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL,
	`key` text NOT NULL,
	`value` text NOT NULL,
	`is_secret` integer DEFAULT false NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `settings_org_key` ON `settings` (`org_id`,`key`);--> statement-breakpoint
CREATE TABLE `teams` (
	`id` text PRIMARY KEY NOT NULL,
	`org_id` text DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL,
	`name` text NOT NULL,
	`slug` text NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`status` text DEFAULT 'stopped' NOT NULL,
	`status_message` text DEFAULT '' NOT NULL,
	`runtime` text NOT NULL,
	`provider` text DEFAULT 'claude' NOT NULL,
	`model_provider` text DEFAULT '' NOT NULL,
	`workspace_path` text DEFAULT '' NOT NULL,
	`agent_image` text DEFAULT '' NOT NULL,
	`mcp_servers` text,
	`mcp_statuses` text,
	`nats_token` text NOT NULL,
	`input_tokens` integer DEFAULT 0 NOT NULL,
	`output_tokens` integer DEFAULT 0 NOT NULL,
	`cache_creation_input_tokens` integer DEFAULT 0 NOT NULL,
	`cache_read_input_tokens` integer DEFAULT 0 NOT NULL,
	`cost_usd` real DEFAULT 0 NOT NULL,
	`turns` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `teams_org_name` ON `teams` (`org_id`,`name`);--> statement-breakpoint
CREATE UNIQUE INDEX `teams_slug` ON `teams` ("slug" collate nocase);